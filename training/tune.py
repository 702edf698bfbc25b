"""Search better parameters of a model on one day's data, for some minutes, and keep those that are worth it.

Every trial trains on the training part and is compared on the validation part; the test part is not looked at. The
search looks for accuracy, few seconds of training and, in models that rank items, for lists that show many of them
(coverage). What is kept follows a rule that training/tuning/front.py states: of the configurations that no other one
beats in all of these, the quickest within one standard error of the most accurate. The present configuration takes
part, and only another one replaces it: then <home>/configs/<model>.yml (or --output) is written, with its figures.
Every later training in this home reads that file before training/configs/<model>.yml, which comes with the code; to go
back, remove it.

Trials that fall behind the median of earlier ones by more than a standard error are stopped early. Trials are kept in
<home>/tuning/<model>.db, so that the next call continues where this one ended, also after a kill; each is a nested run
in MLflow. Beside them are the page of the front, also in <home>/tuning/<model>-front.html, and the importance of the
parameters.

    python -m training.tune --model next_item --ds 2026-11-20 --minutes 30
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.atomic_files import write_whole
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError, NothingToLearn
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from training.arguments import choose_backend, parser
from training.config import config_of, known_model, load_learner, read_config, require_writable, write_config
from training.tuning.front import Candidate, choose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import optuna

    from training.learner import Data, Learner
    from training.registry.client import Registry

WARM_UP_TRIALS, WARM_UP_EPOCHS = 4, 2
"""Nothing is stopped early before so many trials have ended, nor before so many epochs of a trial."""

SEED = 7


def main() -> None:
    arguments = parser("training.tune", __doc__)
    arguments.add_argument("--minutes", type=float, required=True, help="how long to search")
    arguments.add_argument("--trials", type=int, help="stop after so many trials, even before the time is over")
    arguments.add_argument("--output", type=Path, help="file of what is kept; by default <home>/configs/<model>.yml")
    chosen = arguments.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(
        lambda: tune(chosen.model, chosen.ds, minutes=chosen.minutes, trials=chosen.trials, output=chosen.output)
    )


def tune(model: str, ds: str, *, minutes: float, trials: int | None = None, output: Path | None = None) -> float | None:
    """Search, write what is kept, and return its validation figure; None where there is nothing to learn.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: unknown model, or a target that cannot be written.
        RegistryError: the registry does not answer.
        BusyError: another search for this model is at work.
    """
    settings = Settings.from_env()
    known_model(model)
    from training.registry.client import Registry

    output = output or settings.home.configs / f"{model}.yml"
    folder = settings.home.tuning
    for target in (output, folder / f"{model}.db"):
        require_writable(target)  # before the minutes, which would be lost
    lake = Lake(settings.home.lake)
    with lake.step(f"tune-{model}"):
        learner = load_learner(model)
        present = read_config(output if output.is_file() else config_of(settings, model), learner.config)
        try:
            data = learner.load(settings, ds)
        except NothingToLearn as error:
            say(f"tune {model}: skipped: {error}")
            return None
        folder.mkdir(parents=True, exist_ok=True)
        study = _study(folder / f"{model}.db", f"{model} {data.content_hash()[:12]} front", covers=learner.shows_items)
        search = _Search(learner, data, present, Registry.of(settings), ds, time.monotonic() + 60 * minutes)
        candidates = search.run(study, trials, folder)
        return _keep(candidates, learner, present, output, ds)


def _study(file: Path, name: str, *, covers: bool) -> optuna.Study:
    """The study of one model on one data set; trials that a kill left open are closed.

    Args:
        covers: whether coverage is looked for beside accuracy and seconds.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{file}",
        study_name=name,
        load_if_exists=True,
        directions=["maximize", "minimize", *(["maximize"] if covers else [])],
        sampler=optuna.samplers.TPESampler(seed=SEED),
    )
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


class _Search:
    """Trials until the time is over."""

    def __init__(
        self, learner: Learner, data: Data, present: Any, registry: Registry, ds: str, deadline: float
    ) -> None:
        self.learner, self.data, self.present, self.registry = learner, data, present, registry
        self.ds, self.deadline = ds, deadline

    def run(self, study: optuna.Study, trials: int | None, folder: Path) -> list[Candidate]:
        """Measure the present configuration, run trials, draw the front and which parameters mattered.

        Returns:
            The present configuration, then every trial that was trained to its end.
        """
        if study.trials:
            say(f"tune {self.learner.name}: continuing after {len(study.trials)} trials, best {_best(study)}")
        with self.registry.tuning(self.learner.name, f"tune {self.ds}") as self.log:
            before = self._present(study)
            left = max(self.deadline - time.monotonic(), 0.0)
            study.optimize(lambda trial: self._trial(study, trial), n_trials=trials, timeout=left)
            candidates = [before, *map(self._candidate, _whole(study))]
            for file in (
                _draw_importance(study, folder / f"{self.learner.name}-importance.png"),
                self._write_page(study, candidates, folder / f"{self.learner.name}-front.html"),
            ):
                if file is not None:
                    self.log.file(file)
        return candidates

    def _present(self, study: optuna.Study) -> Candidate:
        """The present configuration, measured once for each study."""
        key, name = f"figures of {self.present}", "present configuration"
        if key not in study.user_attrs:
            one = self._fit(name, self.present, lambda *_: None)
            study.set_user_attr(key, [one.accuracy, one.standard_error, one.seconds, one.coverage])
        before = Candidate(name, self.present, *study.user_attrs[key])
        say(f"tune {self.learner.name}: {self.learner.watched} {before.accuracy:.4f} with the present configuration")
        return before

    def _trial(self, study: optuna.Study, trial: optuna.Trial) -> tuple[float, ...]:
        import optuna

        from training.learner import STANDARD_ERROR

        config = dataclasses.replace(self.present, **self.learner.search_space(trial))
        name, watched = _name_of(trial), self.learner.watched
        median, curve = median_curve([one.user_attrs["curve"] for one in _whole(study)]), []

        def after_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
            curve.append(metrics[watched])
            behind = epoch > WARM_UP_EPOCHS and is_behind(curve, median, metrics.get(STANDARD_ERROR, 0.0))
            if behind or time.monotonic() > self.deadline:
                raise optuna.TrialPruned

        try:
            one = self._fit(name, config, after_epoch)
        except optuna.TrialPruned:
            say(f"tune {self.learner.name}: {name} stopped early; best so far {_best(study)}")
            raise
        except ModelError as error:
            say(f"tune {self.learner.name}: {name} failed: {error}")
            raise optuna.TrialPruned from error
        trial.set_user_attr("curve", curve)
        trial.set_user_attr("standard_error", one.standard_error)
        covered = "" if one.coverage is None else f", coverage {one.coverage:.3f}"
        say(
            f"tune {self.learner.name}: {name}: {watched} {one.accuracy:.4f} in {one.seconds:.1f} s{covered}; "
            f"best before {_best(study)}"
        )
        return (one.accuracy, one.seconds) if one.coverage is None else (one.accuracy, one.seconds, one.coverage)

    def _fit(self, name: str, config: Any, after_epoch: Callable[[int, Mapping[str, float]], None]) -> Candidate:
        """Train in a nested run; the figures of the best epoch, and the seconds of all."""
        import keras

        from training.learner import COVERAGE, STANDARD_ERROR, Context

        keras.backend.clear_session()
        with self.log.trial(name, dataclasses.asdict(config)) as log_epoch:

            def watch(epoch: int, metrics: Mapping[str, float]) -> None:
                log_epoch(epoch, metrics)
                after_epoch(epoch, metrics)

            epochs = self.learner.fit(self.data, config, Context(say=_silent, after_epoch=watch)).epochs
        best = max(epochs, key=lambda epoch: epoch[self.learner.watched])
        return Candidate(
            name,
            config,
            best[self.learner.watched],
            best.get(STANDARD_ERROR, 0.0),
            sum(epoch["epoch_seconds"] for epoch in epochs),
            best[COVERAGE] if self.learner.shows_items else None,
        )

    def _candidate(self, trial: optuna.trial.FrozenTrial) -> Candidate:
        accuracy, seconds, *coverage = trial.values
        config = dataclasses.replace(self.present, **trial.params)
        return Candidate(
            _name_of(trial), config, accuracy, trial.user_attrs["standard_error"], seconds, *(coverage or [None])
        )

    def _write_page(self, study: optuna.Study, candidates: list[Candidate], file: Path) -> Path:
        from training.tuning.page import front_page

        stopped = len(study.trials) - len(candidates) + 1
        page = front_page(self.learner.name, self.ds, self.learner.watched, candidates, stopped=stopped)
        write_whole(file, page)
        say(f"tune {self.learner.name}: the front: {file}")
        return file


def median_curve(curves: Sequence[Sequence[float]]) -> list[float]:
    """The median of earlier trials' best figures until each epoch; empty before `WARM_UP_TRIALS` of them."""
    if len(curves) < WARM_UP_TRIALS:
        return []
    bests = [[max(curve[: epoch + 1]) for epoch in range(len(curve))] for curve in curves]
    epochs = range(max(map(len, bests)))
    return [statistics.median(one[min(epoch, len(one) - 1)] for one in bests) for epoch in epochs]


def is_behind(curve: Sequence[float], median: Sequence[float], standard_error: float) -> bool:
    """Whether the best figure so far is below the median of earlier trials by more than a standard error."""
    return bool(median) and max(curve) < median[min(len(curve), len(median)) - 1] - standard_error


def _silent(line: str) -> None:
    """The epochs of trials are in MLflow; the log has a line a trial."""


def _name_of(trial: optuna.Trial | optuna.trial.FrozenTrial) -> str:
    return f"trial {trial.number + 1}"


def _whole(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that were trained to their end."""
    return [trial for trial in study.trials if trial.state.name == "COMPLETE"]


def _best(study: optuna.Study) -> str:
    values = [trial.values[0] for trial in _whole(study)]
    return f"{max(values):.4f}" if values else "none"


def _draw_importance(study: optuna.Study, file: Path) -> Path | None:
    """Draw how much each parameter decided the accuracy (fANOVA, Hutter et al., ICML 2014), after a few trials."""
    import optuna

    from training.card.charts import figure_bars

    complete = _whole(study)
    if len(complete) < WARM_UP_TRIALS or len({trial.values[0] for trial in complete}) < 2:
        return None
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=SEED)
    importances = optuna.importance.get_param_importances(
        study, evaluator=evaluator, target=lambda trial: trial.values[0]
    )
    figure_bars(importances, "importance").savefig(file)
    return file


def _keep(candidates: list[Candidate], learner: Learner, present: Any, output: Path, ds: str) -> float:
    """Write the configuration that the rule chooses, unless that is the present one."""
    before, *trials = candidates
    if not trials:
        say(
            f"tune {learner.name}: the present configuration stays, as no other training ended within the time; give "
            "it more --minutes: the next call continues after this one"
        )
        return before.accuracy
    chosen = choose(candidates)
    if chosen is before or chosen.config == present:
        say(f"tune {learner.name}: the present configuration stays, {learner.watched} {before.accuracy:.4f}")
        return before.accuracy
    found = (
        f"{learner.watched} {chosen.accuracy:.4f} on {ds}, against {before.accuracy:.4f} of the configuration before; "
        f"{chosen.seconds:.1f} s, against {before.seconds:.1f} s"
    )
    comments = [f"Parameters of {learner.name}, found by training.tune in {len(trials)} whole trials:", f"{found}."]
    write_config(output, chosen.config, comments=comments)
    say(f"tune {learner.name}: {chosen.name} is kept: {found}: wrote {output}")
    return chosen.accuracy


if __name__ == "__main__":
    main()
