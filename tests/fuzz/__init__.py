"""Coverage-guided fuzzing with atheris: `python -m tests.fuzz`. Not part of the suite, whose fuzz tests use Hypothesis."""
