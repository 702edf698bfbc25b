"""The run report as tables for the eye."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from contracts.tables.activation import LIFT_METRICS, OUTCOMES


def print_report(report: dict[str, Any], console: Console) -> None:
    """Print the merged report: sources, people, models, the loop from lift to deliveries, truth, seconds."""
    console.print(_sources(report.get("sources", {})))
    console.print(
        f"[bold]{report.get('persons', 0):,}[/bold] persons, [bold]{report.get('profiles', 0):,}[/bold] profiles"
    )
    console.print(_models(report.get("models", {})))
    for name, model in report.get("models", {}).items():
        for reason in model.get("reasons", []):
            console.print(f"  {name}: {reason}")
        if "off_policy" in model:
            console.print(f"  {name}: {model['off_policy']['words']}")
        if treatment := model.get("treatment"):
            console.print(f"  {name}: treatment {treatment}")
    if lift := report.get("lift"):
        console.print(_lift(lift))
    if realised := report.get("realised"):
        console.print(_realised(realised))
    if plans := report.get("plans"):
        console.print(_plans(plans))
    if unknown := report.get("sent_of_no_campaign"):
        listed = ", ".join(f"{name} {messages:,}" for name, messages in unknown.items())
        console.print(f"send logs name campaigns without a file: {listed}")
    for channel, found in report.get("arbitration", {}).items():
        if found["bound"] > 0:
            worth = f"{found['euros']:,.2f} euros expected less cost, at most {found['gap']:.2%} below the best plan"
            console.print(f"{channel}: {worth}")
    console.print(_audiences(report.get("audiences", {})))
    if deliveries := report.get("deliveries"):
        console.print(_deliveries(deliveries))
        for destination, found in deliveries.items():
            if "error" in found:
                console.print(f"{destination} stopped: {found['error']}")
    if truth := report.get("truth"):
        figures = ", ".join(f"{name} {value:.3f}" for name, value in truth.items() if isinstance(value, float))
        dirt = truth.get("dirt", {}).get("equal")
        console.print(f"against the town's secrets: {figures}")
        console.print(f"planted dirt found exactly: {'yes' if dirt else 'no'}")
    seconds = ", ".join(f"{step} {value:.0f}" for step, value in report["seconds"].items())
    console.print(
        f"seconds: {seconds}; at most {report.get('peak_memory_gib', 0):.1f} GiB, "
        f"{report.get('cpu_seconds', 0):,} CPU seconds"
    )


def _sources(sources: dict[str, Any]) -> Table:
    table = Table("source", title="read = mapped + quarantined + dropped", title_justify="left")
    for column in ("read", "mapped", "quarantined", "dropped"):
        table.add_column(column, justify="right")
    table.add_column("why")
    for name, entry in sources.items():
        dropped = sum(entry["dropped"].values())
        reasons = {**entry["quarantined_reasons"], **entry["dropped"]}
        why = ", ".join(f"{rule} {rows:,}" for rule, rows in reasons.items())
        numbers = (entry["read"], entry["mapped"], entry["quarantined"], dropped)
        table.add_row(name, *(f"{number:,}" for number in numbers), why)
    return table


def _models(models: dict[str, Any]) -> Table:
    table = Table("model", "version", "decision", "metric", title="models", title_justify="left")
    table.add_column("value", justify="right")
    table.add_column("baselines")
    for name, model in models.items():
        metric = model.get("metric", "-")
        value = model.get("metrics", {}).get(metric)
        baselines = {other: found[metric] for other, found in model.get("baselines", {}).items()}
        table.add_row(
            name,
            str(model.get("version", "-")),
            model.get("decision", "-"),
            metric,
            "-" if value is None else f"{value:.4f}",
            ", ".join(f"{other} {found:.4f}" for other, found in baselines.items()),
        )
    return table


def _lift(lift: dict[str, Any]) -> Table:
    table = Table("lift", "arm", title="treated less held out, a person", title_justify="left")
    for column in ("treated", "held out"):
        table.add_column(column, justify="right")
    for column in LIFT_METRICS:
        table.add_column(column)
    for campaign, found in lift.items():
        warning = "" if found["sample_ratio_ok"] else " (sizes of arms are wrong: do not trust it)"
        for arm, figures in found["arms"].items():
            people = (f"{figures[name]:,}" for name in ("people_treated", "people_held_out"))
            table.add_row(campaign + warning, arm, *people, *(_lift_cell(figures[name]) for name in LIFT_METRICS))
    return table


def _lift_cell(figures: dict[str, Any]) -> str:
    if figures["difference"] is None:
        return "-"
    if figures["low"] is None:
        return f"{figures['difference']:+.4f} (too early)"
    return f"{figures['difference']:+.4f} ({figures['low']:+.4f} to {figures['high']:+.4f})"


def _realised(realised: dict[str, Any]) -> Table:
    table = Table("realised", "metric", "scored on", title="what scores were worth", title_justify="left")
    for column in ("people", "value", "popularity"):
        table.add_column(column, justify="right")
    for version, metrics in realised.items():
        for metric, found in metrics.items():
            beside = f"{found['popularity']:.4f}" if "popularity" in found else "-"
            table.add_row(version, metric, found["scored_on"], f"{found['people']:,}", f"{found['value']:.4f}", beside)
    return table


def _plans(plans: dict[str, Any]) -> Table:
    table = Table("plan", title="considered = planned + why not", title_justify="left")
    for column in ("considered", "planned", "euros", "cost"):
        table.add_column(column, justify="right")
    table.add_column("why not")
    for name, entry in plans.items():
        if "error" in entry:
            table.add_row(name, "-", "-", "-", "-", f"failed: {entry['error']}")
            continue
        reasons = ((outcome, entry.get(outcome, 0)) for outcome in OUTCOMES if outcome != "planned")
        why = ", ".join(f"{outcome} {people:,}" for outcome, people in reasons if people)
        euros = "-" if entry["expected_value"] is None else f"{entry['expected_value']:,.2f}"
        table.add_row(name, f"{entry['considered']:,}", f"{entry['planned']:,}", euros, f"{entry['cost']:,.2f}", why)
    return table


def _audiences(audiences: dict[str, Any]) -> Table:
    table = Table("audience", title="scored = exported + suppressed + failed", title_justify="left")
    for column in ("scored", "exported", "suppressed", "failed"):
        table.add_column(column, justify="right")
    table.add_column("why suppressed")
    for name, entry in audiences.items():
        if "error" in entry:
            table.add_row(name, "-", "-", "-", "-", f"failed: {entry['error']}")
            continue
        suppressed = sum(entry["suppressed"].values())
        why = ", ".join(f"{reason} {people:,}" for reason, people in entry["suppressed"].items() if people)
        numbers = (entry["scored"], entry["exported"], suppressed, entry["failed"])
        table.add_row(name, *(f"{number:,}" for number in numbers), why)
    return table


def _deliveries(deliveries: dict[str, Any]) -> Table:
    outcomes = ("delivered", "already", "refused", "waiting")
    title = f"audience = {' + '.join(outcomes)} + withheld"
    table = Table("destination", "audience", title=title, title_justify="left")
    for column in ("people", *outcomes, "withheld", "removed"):
        table.add_column(column, justify="right")
    table.add_column("why withheld")
    for destination, found in deliveries.items():
        for name, entry in found["campaigns"].items():
            if "error" in entry:
                table.add_row(destination, name, *["-"] * 7, f"failed: {entry['error']}")
                continue
            withheld = entry["withheld"]
            numbers = (entry["audience"], *(entry[one] for one in outcomes), sum(withheld.values()), entry["removed"])
            why = [f"{reason} {people:,}" for reason, people in withheld.items()]
            if entry["not_removed"]:
                why.append(f"still to be removed {entry['not_removed']:,}")
            table.add_row(destination, name, *(f"{number:,}" for number in numbers), ", ".join(why))
    return table
