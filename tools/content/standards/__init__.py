"""Where each operation and outcome is in OCSF and ECS.

The modules, from the top: imports go only downward.

=============  ========================================================
ocsf_validate  events against the released OCSF schema
pages          tables of bin/cloudhsm/siem, docs/ocsf.md, docs/ecs.md
ecs_page       docs/ecs.md
example        a record that the pages show
ocsf_page      docs/ocsf.md
ecs            operations in ECS, validated
ecs_facts      what the released ECS contains
ocsf           operations in OCSF, validated
ocsf_facts     what the released OCSF contains
pinning        facts of a released standard, kept in mappings/standards
=============  ========================================================
"""
