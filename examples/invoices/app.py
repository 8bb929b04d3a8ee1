"""Totals of invoices by customer: CSV in, JSON out, counted by SQLite. ?currency=EUR takes those alone."""
import csv
import io
import sqlite3
from urllib.parse import parse_qs


def handler(request):
    wanted = parse_qs(request.query).get("currency", ["%"])[0]
    try:
        rows = [(row["customer"], row["currency"], float(row["amount"]))
                for row in csv.DictReader(io.StringIO(request.text))]
    except (KeyError, TypeError, ValueError) as error:
        return 400, f"cannot read the invoices: {type(error).__name__}: {error}\n"
    database = sqlite3.connect(":memory:")
    database.execute("create table invoice (customer, currency, amount)")
    database.executemany("insert into invoice values (?, ?, ?)", rows)
    totals = database.execute(
        "select customer, currency, count(*), sum(amount) from invoice where currency like ? "
        "group by customer, currency order by customer, currency", (wanted,))
    return [{"customer": customer, "currency": currency, "invoices": count, "total": round(total, 2)}
            for customer, currency, count, total in totals]
