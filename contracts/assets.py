"""Names of the Airflow assets through which the DAGs meet, in the order in which a night makes them."""

MAPPED = "mapped"
PROFILES = "profiles"
CHAMPIONS = "champions"
AUDIENCES = "audiences"
