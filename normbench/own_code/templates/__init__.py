"""What `normbench new` writes: a norm, a model and a dataset of the user's, each with a study of it."""
