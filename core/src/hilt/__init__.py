"""hilt: the human-in-the-loop toolkit for robot learning."""
