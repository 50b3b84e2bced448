"""The pages: portal, console, administration, and the forms that work without a script."""
