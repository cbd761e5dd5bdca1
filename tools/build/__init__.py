"""From a checkout to a package.

The modules, from the top: imports go only downward.

===============  ================================================================
published_names  the names that searches of customers depend on, for each release
release          package, push, bill of materials, checksums, release notes
sbom             the bill of materials, in CycloneDX
sigma            Sigma rules, each run over its samples
push             the archive and the template that push records into HEC
package          dist/TA-aws-cloudhsm-<version>.tar.gz
setup_page       the setup page, bundled with the licenses of what is inside
lock             requirements/*.txt, with hashes
node             Node and the npm packages of the dashboard preview and the setup page
environments     virtual environments under .venv/
interpreters     the Pythons of this machine
vendor           the libraries that the package ships
===============  ================================================================
"""
