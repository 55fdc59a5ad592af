"""The project as it is shipped: the wheel, the container's files, the commands and the documents."""
