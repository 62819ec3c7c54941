"use strict";
const orderOf = (row, at) => {
  const cell = row.cells[at], order = cell.dataset.order;
  return order === undefined ? cell.textContent : Number(order);
};
const compare = (a, b) => {
  const numbers = [typeof a === "number", typeof b === "number"];
  if (numbers[0] && numbers[1]) return a - b;
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
  return a.localeCompare(b, undefined, { numeric: true });
};
const sortBy = (head) => {
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
  const body = head.closest("table").tBodies[0], at = head.cellIndex;
  const rows = [...body.rows].sort((a, b) => sign * compare(orderOf(a, at), orderOf(b, at)));
  body.append(...rows);
};
for (const head of document.querySelectorAll("thead th[scope=col]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  button.addEventListener("click", () => sortBy(head));
  head.append(button);
}
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
const filter = document.querySelector("form[data-filter]");
const showMatching = () => {
  const wanted = new FormData(filter), text = wanted.get("text").trim().toLowerCase();
  let shown = 0;
  for (const claim of document.querySelectorAll(".claim")) {
    const fits = ["outcome", "study", "document"].every((key) => [claim.dataset[key], ""].includes(wanted.get(key)));
    claim.hidden = !(fits && claim.textContent.toLowerCase().includes(text));
    shown += claim.hidden ? 0 : 1;
  }
  for (const group of document.querySelectorAll("[data-group]")) {
    group.hidden = !group.querySelector(".claim:not([hidden])");
  }
  filter.querySelector("[role=status]").textContent = `${shown} shown`;
};
if (filter) {
  filter.hidden = false;
  filter.addEventListener("input", showMatching);
  filter.addEventListener("submit", (event) => event.preventDefault());
  showMatching();
}
