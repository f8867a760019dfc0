# What the Makefiles of plugins in all languages share. What is built lies in build/ as it will lie in
# /usr, so that the manifest always leads to the program.
SLUICE ?= sluice
plugins = build/share/sluice/plugins
writers = build/libexec/sluice/writers
manifest = $(plugins)/$(name).json
# The manifest as it lies in the source.
source_manifest ?= $(name).json
version = $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' $(source_manifest))
package = sluice-plugin-$(name)_$(version)_$(architecture).deb
trial = build-try/disk

all:

$(manifest): $(source_manifest)
	install -d $(plugins)
	install -m 644 $(source_manifest) $@

# Everything that the protocol demands of a plugin, in the plugin's sandbox.
check: all
	$(SLUICE) plugin check $(manifest)

# A disk there and back.
try: all
	rm -rf build-try
	mkdir build-try
	truncate -s 64M $(trial).raw
	head -c 9M /dev/urandom | dd of=$(trial).raw bs=1M seek=8 conv=notrunc status=none
	$(SLUICE) backup --plugin-path $(plugins) --image disk=$(trial).raw --to $(name)=$(trial).$(name)
	$(SLUICE) list --plugin-path $(plugins) $(trial).$(name)
	$(SLUICE) verify --plugin-path $(plugins) $(trial).$(name)
	$(SLUICE) restore --plugin-path $(plugins) $(trial).$(name) --to build-try/restored
	cmp $(trial).raw build-try/restored/disk.raw

# A package for Debian and its relatives, with everything where a host looks for it.
deb: all
	rm -rf build-package
	install -d build-package/DEBIAN
	cp -a build build-package/usr
	install -D -m 644 copyright build-package/usr/share/doc/sluice-plugin-$(name)/copyright
	sed 's/@VERSION@/$(version)/; s/@ARCHITECTURE@/$(architecture)/; s/@DEPENDS@/$(depends)/' \
	  control | sed '/^Depends: $$/d' >build-package/DEBIAN/control
	chmod 644 build-package/DEBIAN/control
	dpkg-deb --build --root-owner-group build-package $(package)

clean:
	rm -rf build build-try build-package target .build $(package)

.PHONY: all check try deb clean
