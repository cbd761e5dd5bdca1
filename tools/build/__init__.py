"""From a checkout to a package.

The modules, from the top: imports go only downward.

===============  ================================================================
node             Node and the npm packages of the dashboard preview
published_names  the names that searches of customers depend on, for each release
release          package, push, bill of materials, checksums, release notes
sbom             the bill of materials, in CycloneDX
sigma            Sigma rules, each run over its samples
lock             requirements/*.txt, with hashes
environments     virtual environments under .venv/
push             the archive and the template that push records into HEC
interpreters     the Pythons of this machine
package          dist/TA-aws-cloudhsm-<version>.tar.gz
vendor           the libraries that the package ships
===============  ================================================================
"""
