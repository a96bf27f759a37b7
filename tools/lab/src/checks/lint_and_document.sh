#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Kbuild runs this in place of rustc, with rustc's arguments: clippy compiles the crate, then
# rustdoc reads it with the same arguments, less those that say what to write where.
set -e
clippy-driver "$@"
for word; do
	shift
	case $previous$word in
	--emit=* | --out-dir | --out-dir*) ;;
	*) set -- "$@" "$word" ;;
	esac
	previous=
	[ "$word" = --out-dir ] && previous=$word
done
# Private items are documented too, so links to them hold.
exec rustdoc "$@" --document-private-items -Arustdoc::private_intra_doc_links \
	--output "$DOCUMENTATION"
