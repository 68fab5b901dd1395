for name in plan.md report.json journal.jsonl; do mkfifo $name; done
