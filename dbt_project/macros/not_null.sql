{#-
    The not_null constraints of a contract, on Spark.

    DuckDB keeps the constraint with the table. A Parquet table of Spark cannot, so its rows are counted once they are
    written: the model fails, and nothing is published.
-#}
{% macro spark__persist_constraints(relation, model) -%}
    {%- if execute and config.get('contract').enforced -%}
        {%- set required = [] -%}
        {%- for column in model.columns.values() -%}
            {%- if column.constraints | selectattr('type', 'equalto', 'not_null') | list -%}
                {%- do required.append(column.name) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if required -%}
            {%- set counts -%}
                select {% for name in required %}count_if({{ name }} is null) as {{ name }}{{ ', ' if not loop.last }}{% endfor %}
                from {{ relation }}
            {%- endset -%}
            {%- set found = run_query(counts).rows[0] -%}
            {%- for name in required if found[name] > 0 -%}
                {%- do exceptions.raise_compiler_error(
                    'NOT NULL constraint failed: ' ~ model.name ~ '.' ~ name ~ ' is null in ' ~ found[name] ~ ' rows'
                ) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
