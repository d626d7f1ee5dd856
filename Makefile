# Each line is an alias; `python3 scripts/dev.py COMMAND` does the same where there is no make.
.PHONY: run test soak bench simulate scan lint wheelhouse

run test soak bench simulate scan lint wheelhouse:
	@exec python3 scripts/dev.py $@
