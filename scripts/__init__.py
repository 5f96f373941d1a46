"Commands of the repository, by who they are for; run them as modules, such as `python -m scripts.readers.course`"
