"""What can be asked of a task, one Protocol per capability: all that methods know of tasks."""
