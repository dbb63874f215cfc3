"""What becomes of a plan that is at rest with a failed step."""

from enum import StrEnum


class Rescue(StrEnum):
    """The strategies offered; all that are asked must agree, else the plan pauses."""

    PAUSE = "pause"  #: a person resumes, skips or cancels
    SKIP = "skip"  #: go on without the failed steps and what reads their outputs; ends with a warning
    REVERT = "revert"  #: undo what was done, the last step first; then the plan is stopped with an error
    FAIL = "fail"  #: the plan is stopped with an error: repeating the step cannot help
