{#-
    Files of one kind to learn from and to recognise: those of the catalogue, and those posted by people who agree to profiling.

    Arguments: what the id of a file is called, the column of the catalogue that names one, and their kind in `media`.
-#}
{% macro files_to_learn_from(id, file, kind) -%}
with item_deliveries as (

    select * from {{ ref('stg_lake__items') }}

),

items as (

    select * from {{ ref('int_items__described') }}

),

media_deliveries as (

    select * from {{ ref('stg_lake__media') }}

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

profiles as (

    select * from {{ ref('dim_person_profile') }}

),

-- The latest delivery may have lost the file that an earlier one had: only deliveries with a usable one are numbered.
numbered_item_files as (

    select
        item_id,
        {{ delivered_file('source', 'arrived_on', file) }} as path,
        row_number() over (partition by item_id order by arrived_on desc, source, {{ file }}) as age
    from item_deliveries
    where {{ is_delivered_file(file) }}

),

item_files as (

    select
        'item:' || numbered_item_files.item_id as {{ id }},
        numbered_item_files.path,
        items.category,
        cast(null as {{ dbt.type_string() }}) as person_id,
        -- The file of an item tells of no person.
        false as consent_profiling
    from numbered_item_files
    inner join items on numbered_item_files.item_id = items.item_id
    where numbered_item_files.age = 1

),

numbered_media as (

    select
        media_id,
        identifier,
        {{ delivered_file('source', 'arrived_on', 'path') }} as path,
        row_number() over (partition by media_id order by arrived_on desc, path) as age
    from media_deliveries
    where kind = '{{ kind }}' and {{ is_delivered_file('path') }}

),

posted_files as (

    select
        'media:' || numbered_media.media_id as {{ id }},
        numbered_media.path,
        cast(null as {{ dbt.type_string() }}) as category,
        persons.person_id,
        profiles.consent_profiling
    from numbered_media
    inner join persons on numbered_media.identifier = persons.identifier
    inner join profiles on persons.person_id = profiles.person_id
    -- A file that no model may look at or listen to does not enter the mart.
    where numbered_media.age = 1 and profiles.consent_profiling

),

files as (

    select * from item_files
    union all
    select * from posted_files

)

select * from files
{%- endmacro %}
