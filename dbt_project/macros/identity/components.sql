{#- Connected components, as a materialisation.

    The model selects one row per link: `record_key`, and in `component` another record of the same
    component. The table has the same columns, one row per record that is linked at all: `component`
    is the least record_key that can be reached. With `config(scope='column')` the graphs of each
    value of that column are solved apart.

    Randomised contraction: in each round every node is replaced by the neighbour (or itself) of
    least hash under that round's seed, so a graph of n nodes is solved in O(log n) statements
    whatever its diameter. A recursive query needs as many steps as the longest path, and DuckDB's
    `using key` was 11 to 18 times slower. Unfinished after the variable component_max_rounds (60)
    is an error, never a wrong answer: at least one node of each edge goes away in each round.

    The working tables are written outside a transaction (auto_begin=False): DuckDB takes what its own
    open transaction wrote for empty and joins by nested loops, 20,000 links in 21 s against 0.04.

    A node is a 64-bit hash of (scope, record_key): numbering 1M records in order cost a sort and two
    joins by text. Two records of one hash are found before anything is solved, and hashed anew. -#}
{% materialization components, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set intermediate_relation = make_intermediate_relation(target_relation) -%}
    {%- set backup_relation = make_backup_relation(target_relation, 'table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set scope = config.get('scope') -%}
    {%- set prefix = 'cc_' ~ model.name -%}

    {%- do components_hash_nodes(sql, prefix, scope) -%}
    {%- set rounds = components_contract(prefix, var('component_max_rounds', 60)) -%}
    {%- do components_follow(prefix, rounds) -%}

    {{ drop_relation_if_exists(load_cached_relation(intermediate_relation)) }}
    {{ drop_relation_if_exists(load_cached_relation(backup_relation)) }}
    {{ run_hooks(pre_hooks) }}

    {% call statement('main') -%}
        {{ create_table_as(False, intermediate_relation, components_labels(prefix, scope)) }}
    {%- endcall %}

    {% if existing_relation is not none %}
        {{ adapter.rename_relation(existing_relation, backup_relation) }}
    {% endif %}
    {{ adapter.rename_relation(intermediate_relation, target_relation) }}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ drop_relation_if_exists(backup_relation) }}
    {%- do components_drop(prefix, rounds) -%}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{#- Writes the links with the hashes of both ends, the nodes, and the edges both ways. Raises when
    three seeds in a row give two records one hash, which is no accident. -#}
{% macro components_hash_nodes(links_sql, prefix, scope) -%}
    {%- set scope_column = scope ~ ',' if scope else '' -%}
    {%- set scope_text = scope ~ " || chr(31) || " if scope else '' -%}
    {%- set state = namespace(collisions=1) -%}
    {%- for seed in range(3) if state.collisions > 0 -%}
        {% call statement('links', auto_begin=False) -%}
            create or replace temporary table {{ prefix }}_link as
            select
                {{ scope_column }}
                record_key,
                component,
                {{ shuffle_hash(scope_text ~ 'record_key', seed) }} as a,
                {{ shuffle_hash(scope_text ~ 'component', seed) }} as b
            from ({{ links_sql }}) as links
        {%- endcall %}

        {% call statement('nodes', auto_begin=False) -%}
            create or replace temporary table {{ prefix }}_node as
            select {{ scope_column }} record_key, a as node from {{ prefix }}_link
            union
            select {{ scope_column }} component as record_key, b as node from {{ prefix }}_link
        {%- endcall %}
        {%- set state.collisions = components_count(
            'count(*) - count(distinct node)', prefix ~ '_node'
        ) -%}
    {%- endfor -%}
    {%- if state.collisions > 0 -%}
        {{ exceptions.raise_compiler_error(model.name ~ ': records whose hashes are always equal') }}
    {%- endif -%}

    {% call statement('edges', auto_begin=False) -%}
        create or replace temporary table {{ prefix }}_edge as
        select a, b from {{ prefix }}_link where a <> b
        union all
        select b as a, a as b from {{ prefix }}_link where a <> b
    {%- endcall %}
{%- endmacro %}


{#- Contracts the edges round by round until none is left; returns how many rounds there were. Each
    leaves a table of the nodes that still had edges and what they were replaced by. -#}
{% macro components_contract(prefix, max_rounds) -%}
    {%- set state = namespace(edges=components_count('count(*)', prefix ~ '_edge'), rounds=0) -%}
    {%- for round in range(max_rounds) if state.edges > 0 -%}
        {% call statement('step', auto_begin=False) -%}
            create or replace temporary table {{ prefix }}_step_{{ round }} as
            select
                a as node,
                case
                    when min({{ shuffle_hash('b', round) }}) < {{ shuffle_hash('a', round) }}
                        then min_by(b, {{ shuffle_hash('b', round) }})
                    else a
                end as root
            from {{ prefix }}_edge
            group by a
        {%- endcall %}

        {% call statement('edges', auto_begin=False) -%}
            create or replace temporary table {{ prefix }}_edge as
            select distinct
                step_a.root as a,
                step_b.root as b
            from {{ prefix }}_edge as edge
            inner join {{ prefix }}_step_{{ round }} as step_a on edge.a = step_a.node
            inner join {{ prefix }}_step_{{ round }} as step_b on edge.b = step_b.node
            where step_a.root <> step_b.root
        {%- endcall %}
        {%- set state.edges = components_count('count(*)', prefix ~ '_edge') -%}
        {%- set state.rounds = round + 1 -%}
    {%- endfor -%}
    {%- if state.edges > 0 -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ': components not solved after ' ~ max_rounds
            ~ ' rounds; raise the variable component_max_rounds'
        ) }}
    {%- endif -%}
    {{ return(state.rounds) }}
{%- endmacro %}


{#- Follows the steps from the last, which is small, back to the first, which has every node. -#}
{% macro components_follow(prefix, rounds) -%}
    {% call statement('roots', auto_begin=False) -%}
        create or replace temporary table {{ prefix }}_root (node ubigint, root ubigint)
    {%- endcall %}
    {%- for round in range(rounds - 1, -1, -1) -%}
        {% call statement('roots', auto_begin=False) -%}
            create or replace temporary table {{ prefix }}_root as
            select
                step.node,
                coalesce(later.root, step.root) as root
            from {{ prefix }}_step_{{ round }} as step
            left join {{ prefix }}_root as later on step.root = later.node
        {%- endcall %}
    {%- endfor -%}
{%- endmacro %}


{% macro components_count(what, table) -%}
    {% call statement('count', fetch_result=True, auto_begin=False) -%}
        select {{ what }} as counted from {{ table }}
    {%- endcall %}
    {{ return(load_result('count')['data'][0][0]) }}
{%- endmacro %}


{% macro components_labels(prefix, scope) -%}
    with placed as (
        select
            {% if scope %}node.{{ scope }},{% endif %}
            node.record_key,
            coalesce(root.root, node.node) as root
        from {{ prefix }}_node as node
        left join {{ prefix }}_root as root on node.node = root.node
    ),

    least as (
        select
            root,
            min(record_key) as component
        from placed
        group by root
    )

    select
        {% if scope %}placed.{{ scope }},{% endif %}
        placed.record_key,
        least.component
    from placed
    inner join least on placed.root = least.root
{%- endmacro %}


{% macro components_drop(prefix, rounds) -%}
    {%- set suffixes = ['link', 'node', 'edge', 'root'] -%}
    {%- for round in range(rounds) -%}{%- do suffixes.append('step_' ~ round) -%}{%- endfor -%}
    {%- for suffix in suffixes -%}
        {% call statement('drop', auto_begin=False) -%}
            drop table if exists {{ prefix }}_{{ suffix }}
        {%- endcall %}
    {%- endfor -%}
{%- endmacro %}
