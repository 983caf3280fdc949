"""Who carries how much, changes of shift, and the work of who leaves."""
