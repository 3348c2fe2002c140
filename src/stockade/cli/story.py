"""The demo on the terminal: each scene a numbered heading, what was done, and what came of it."""

from __future__ import annotations

import time
from pathlib import Path

from stockade.cli import look
from stockade.workspace.census import PURPOSE
from stockade.workspace.demo import PERSONS, Demo


def tell(folder: Path | None, trials: int) -> int:
    """Tell the story; returns 1 when an attack succeeded, else 0."""
    start = time.perf_counter()
    demo = Demo(folder, trials)
    first, second = PERSONS
    print(f"Stockade demo, built in {demo.folder}\nPurpose of the model: {PURPOSE}")

    look.heading("1. A project, a trial root of trust with two persons, a default policy")
    made, damaged = demo.found()
    print(f"The people of 2015, a copy with {len(damaged)} rows damaged on purpose (seeded).")
    look.summary(
        made.name, [("root of trust", f"{made.trust} (trial)"), ("persons", f"{first} runs, {second} reviews")]
    )

    look.heading("2. The pipeline: every step in its own sandbox, signed and logged")
    with look.RunDisplay() as display:
        run = demo.run(display.on_event)
    look.run(run)

    look.heading(f"3. {first} asks for staging, and is rightly refused")
    refused = demo.refusal()
    look.decision(refused, only_refused=True)
    rules = demo.waive(refused)
    look.say(f"{second}, who did not run it, waives {' and '.join(rules)} for 30 days, with a reason.")
    admitted = demo.promote()
    print(f"admitted to staging; approved by {', '.join(admitted.approvers)}; version 1 is now production.")

    look.heading("4. The server verifies the whole chain, then answers over TLS")
    with demo.server() as endpoint:
        print(f"{endpoint['url']} serves {endpoint['name']} {endpoint['version']}, model {endpoint['model'][:19]}…")
        look.table(
            "people of 2016",
            ("person", "probability of employment", "truth"),
            [
                (answer.person, f"{answer.probability:.2f}", "employed" if answer.employed else "not employed")
                for answer in demo.ask(endpoint)
            ],
        )
    print("The server stopped cleanly.")

    look.heading("5. Proof, elsewhere; and five attacks, each on a copy")
    seconds, proven = demo.verified_elsewhere()
    print(f"The bundle verifies in an environment that holds only Python and cryptography ({seconds:.2f} s):")
    for line in proven[:6]:
        look.say(f"  ✓ {line}")
    held = True
    for attempt in demo.attempts():
        held = held and bool(attempt.refused)
        if attempt.refused:
            look.say(f"  ✓ {attempt.name}\n      refused, {attempt.refused}: {attempt.message}")
        else:
            look.say(f"  ✗ {attempt.name}\n      NOT REFUSED: {attempt.message}")

    look.heading("6. Look at it, then try your own data")
    print(f"The report: {demo.project.root / 'report.html'}   ({time.perf_counter() - start:.0f} s in all)\n")
    print("Next, with a file of your own:\n  stockade init people.csv --target employed\n  stockade run")
    return 0 if held else 1
