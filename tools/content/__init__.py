"""What is generated, from the YAML that it is generated from.

The parts, from the top: imports go only downward.

=============  ======================================================
generated      every generated file, written or compared
cim_page       docs/cim.md
dashboards     dashboards: views, navigation, docs/dashboards.md
deployment     where each file and setting works: docs/deploy.md
dictionary     docs/fields.md
goldens        tests/default/golden
sigma          detections as Sigma rules
sources        everything in mappings/, read and checked together
standards      OCSF and ECS: tables and pages
version        the version of the add-on, wherever it is written
detections     detections: saved searches, macros, docs/detections.md
page_blocks    blocks of a page that a command writes
fields         mappings/fields.yaml, validated
conf_blocks    the generated blocks of props.conf and transforms.conf
variants       numbered variants of operations
eval_text      expressions of EVAL
installed_app  the add-on with the macros set that it asks for
mappings       operations, responses, types, outcomes, activities, validated
strict_yaml    YAML against a model, with the line of each fault
written_files  files that follow from others, written or compared
markdown       tables of Markdown
=============  ======================================================
"""
