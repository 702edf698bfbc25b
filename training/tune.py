"""Search better parameters of a model on one day's data, for some minutes, and keep the best.

Every trial trains on the training part and is compared on the validation part; the test part is not looked at. Trials
that fall behind the median of earlier ones are stopped early. First the present configuration is measured, and only a
better one replaces it: then <home>/configs/<model>.yml (or --output) is written, with the figure that it reached.
Every later training in this home reads that file before training/configs/<model>.yml, which comes with the code; to go
back, remove it.

Trials are kept in <home>/tuning/<model>.db, so that the next call continues where this one ended, also after a kill;
each is a nested run in MLflow, and the importance of the parameters is drawn beside them.

    python -m training.tune --model next_item --ds 2026-11-20 --minutes 30
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError, NothingToLearn
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from training.arguments import choose_backend, parser
from training.config import config_of, known_model, load_learner, read_config, require_writable, write_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    arguments.add_argument("--output", type=Path, help="file of the best; by default <home>/configs/<model>.yml")
    chosen = arguments.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(
        lambda: tune(chosen.model, chosen.ds, minutes=chosen.minutes, trials=chosen.trials, output=chosen.output)
    )


def tune(model: str, ds: str, *, minutes: float, trials: int | None = None, output: Path | None = None) -> float | None:
    """Search, write the best configuration, and return its validation figure; None where there is nothing to learn.

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
        study = _study(folder / f"{model}.db", f"{model} {data.content_hash()[:12]}")
        search = _Search(learner, data, present, Registry.of(settings), ds, time.monotonic() + 60 * minutes)
        before = search.run(study, trials, folder / f"{model}-importance.png")
        return _keep_best(study, learner, present, before, output, ds)


def _study(file: Path, name: str) -> optuna.Study:
    """The study of one model on one data set; trials that a kill left open are closed."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{file}",
        study_name=name,
        load_if_exists=True,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=SEED),
        pruner=optuna.pruners.MedianPruner(WARM_UP_TRIALS, WARM_UP_EPOCHS),
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

    def run(self, study: optuna.Study, trials: int | None, importance: Path) -> float:
        """Measure the present configuration, run trials, draw which parameters mattered; returns the first figure."""
        if study.trials:
            say(f"tune {self.learner.name}: continuing after {len(study.trials)} trials, best {_best(study)}")
        with self.registry.tuning(self.learner.name, f"tune {self.ds}") as self.log:
            before = self._present(study)
            left = max(self.deadline - time.monotonic(), 0.0)
            study.optimize(lambda trial: self._trial(study, trial), n_trials=trials, timeout=left)
            if _draw_importance(study, importance):
                self.log.file(importance)
        return before

    def _present(self, study: optuna.Study) -> float:
        """The figure of the present configuration, measured once for each study."""
        key = f"figure of {self.present}"
        if key not in study.user_attrs:
            study.set_user_attr(key, self._fit("present configuration", self.present, lambda *_: None))
        value = study.user_attrs[key]
        say(f"tune {self.learner.name}: {self.learner.watched} {value:.4f} with the present configuration")
        return value

    def _trial(self, study: optuna.Study, trial: optuna.Trial) -> float:
        import optuna

        config = dataclasses.replace(self.present, **self.learner.search_space(trial))
        name, watched = f"trial {trial.number + 1}", self.learner.watched

        def after_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
            trial.report(metrics[watched], epoch)
            if time.monotonic() > self.deadline or trial.should_prune():
                raise optuna.TrialPruned

        try:
            value = self._fit(name, config, after_epoch)
        except optuna.TrialPruned:
            say(f"tune {self.learner.name}: {name} stopped early; best so far {_best(study)}")
            raise
        except ModelError as error:
            say(f"tune {self.learner.name}: {name} failed: {error}")
            raise optuna.TrialPruned from error
        say(f"tune {self.learner.name}: {name}: {watched} {value:.4f}; best before {_best(study)}")
        return value

    def _fit(self, name: str, config: Any, after_epoch: Callable[[int, Mapping[str, float]], None]) -> float:
        """Train in a nested run; the best figure of its epochs."""
        import keras

        from training.learner import Context

        keras.backend.clear_session()
        with self.log.trial(name, dataclasses.asdict(config)) as log_epoch:

            def watch(epoch: int, metrics: Mapping[str, float]) -> None:
                log_epoch(epoch, metrics)
                after_epoch(epoch, metrics)

            fitted = self.learner.fit(self.data, config, Context(say=_silent, after_epoch=watch))
        return max(epoch[self.learner.watched] for epoch in fitted.epochs)


def _silent(line: str) -> None:
    """The epochs of trials are in MLflow; the log has a line a trial."""


def _best(study: optuna.Study) -> str:
    values = [trial.value for trial in study.trials if trial.value is not None and trial.state.name == "COMPLETE"]
    return f"{max(values):.4f}" if values else "none"


def _draw_importance(study: optuna.Study, file: Path) -> bool:
    """Draw how much each parameter decided (fANOVA, Hutter et al., ICML 2014), once a few trials have ended."""
    import optuna

    from training.card.charts import figure_bars

    complete = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    if len(complete) < WARM_UP_TRIALS or len({trial.value for trial in complete}) < 2:
        return False
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=SEED)
    figure_bars(optuna.importance.get_param_importances(study, evaluator=evaluator), "importance").savefig(file)
    return True


def _keep_best(study: optuna.Study, learner: Learner, present: Any, before: float, output: Path, ds: str) -> float:
    """Write the best configuration, unless that is the present one."""
    import optuna

    complete = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    if not complete:
        say(
            f"tune {learner.name}: the present configuration stays, as no other training ended within the time; give "
            "it more --minutes: the next call continues after this one"
        )
        return before
    best = study.best_trial
    if best.value <= before:
        say(f"tune {learner.name}: nothing better than the present configuration, {learner.watched} {before:.4f}")
        return before
    found = f"{learner.watched} {best.value:.4f} on {ds}, against {before:.4f} of the configuration before"
    comments = [f"Parameters of {learner.name}, found by training.tune in {len(complete)} whole trials:", f"{found}."]
    write_config(output, dataclasses.replace(present, **best.params), comments=comments)
    say(f"tune {learner.name}: {found}: wrote {output}")
    return best.value


if __name__ == "__main__":
    main()
