"""The only room that grades: pure functions over what execution observed."""
