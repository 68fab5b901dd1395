for name in plan.md report.json journal.jsonl; do ln -s "$OUTSIDE/precious.txt" $name; done
