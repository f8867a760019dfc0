#!/usr/bin/perl
# A hostile plugin in Perl, by the numbers of system calls of x86-64.
#
#   attacks.pl list | NAME VICTIM TCP UDP ADDRESS HOST HOSTNAME DIR
#
# The exit status is 0 for a goal that was reached, 200 for one that this machine does not have, 255
# for a mistake of this program, and otherwise the errno that stopped it.
use strict;
use warnings;
use File::Basename;

my (%target, $name);
my $folder = dirname(__FILE__);

# Numbers are passed as they are, and strings by their address, if they are no constants.
sub call { my ($number, @arguments) = @_; return syscall($number, @arguments) >= 0 }

my $at_fdcwd = -100;
my $room = "\0" x 4096;

my %attacks = (
  'read-shadow' => sub { open(my $file, '<', '/etc/shadow') },
  'read-secret' => sub { open(my $file, '<', "$target{outside}/secret") },
  'list-programs' => sub { opendir(my $directory, '/usr/bin') },
  'list-local' => sub { opendir(my $directory, '/usr/local') },
  'climb-to-secret' => sub { call(257, 6, "../secret", 0, 0) },
  'write-in-folder' => sub { open(my $file, '>', "$folder/made") },
  'write-by-number' => sub { call(257, $at_fdcwd, "$folder/made", 0101, 0600) },
  'change-script' => sub { open(my $file, '+<', __FILE__) },
  'make-link' => sub { call(266, "/etc/passwd", 6, "link") },
  'fork' => sub { my $child = fork; exit 0 if defined $child && !$child; defined $child },
  'fork-by-number' => sub { my $child = syscall(57); exit 0 if $child == 0; $child > 0 },
  'run-program' => sub { system('/bin/true') == 0 },
  'become-program' => sub { exec { '/bin/true' } 'true' },
  'signal-host' => sub { kill(0, $target{host}) },
  'seize-victim' => sub { call(101, 0x4206, $target{victim} + 0, 0, 0) },
  'read-victim' => sub { open(my $file, '<', "/proc/$target{victim}/environ") },
  'make-tcp' => sub { call(41, 2, 1, 0) },
  'make-unix' => sub { call(41, 1, 1, 0) },
  'map-write-exec' => sub { call(9, 0, 4096, 7, 0x22, -1, 0) },
  'map-pool-as-code' => sub { call(9, 0, 4096, 5, 1, 5, 0) },
  'make-memory-file' => sub { call(319, "attack", 0) },
  'make-namespace' => sub { call(272, 0x10000000) },
  'mount' => sub { call(165, "none", "/", "sluice-none", 0, 0) || $!{ENODEV} },
  'set-up-ring' => sub { call(425, 4, $room) },
  'find-keyring' => sub { call(250, 0, -3, 1) },
  'load-program' => sub { call(321, 0, $room, 0) || $!{EINVAL} },
);

if (@ARGV == 1 && $ARGV[0] eq 'list') {
  print map { "$_\n" } sort keys %attacks;
  exit 0;
}
exit 200 if @ARGV != 8;
($name, @target{qw(victim tcp udp address host hostname outside)}) = @ARGV;
exit 0 if $attacks{$name}->();
exit($! + 0 || 255);
