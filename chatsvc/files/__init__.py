"""What people attach: checked, stored under random names, served safely."""
