with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

answered as (

    {{ latest_answers('recipients') }}

)

select * from answered
