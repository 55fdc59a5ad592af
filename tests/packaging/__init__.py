"""The project as people get it: the wheel, the container's files, the commands and the documents."""
