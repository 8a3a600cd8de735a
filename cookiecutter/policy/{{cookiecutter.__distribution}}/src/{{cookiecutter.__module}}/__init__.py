"""{{ cookiecutter.name }}."""
