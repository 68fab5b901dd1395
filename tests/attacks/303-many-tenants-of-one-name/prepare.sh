seq 5000 | awk '{print "{\"tenant\": \"newcomer\", \"tier\": \"free\", \"project_id\": \"plain-lake-12345678\"}"}' > fleet.ndjson
