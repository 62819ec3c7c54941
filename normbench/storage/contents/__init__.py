"""Says what each file of a run or a study holds, keys, types and sizes; reads it so or refuses it with its name."""
