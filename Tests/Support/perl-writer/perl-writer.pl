#!/usr/bin/perl
# A plugin in Perl: the only disk of a job as one plain file, channel 6. All data is inline.
use strict;
use warnings;
use JSON::PP;

use constant { HELLO => 1, HELLO_ACK => 2, JOB => 3, JOB_ACK => 4, FINISH => 5, FINISHED => 6,
  ABORT => 7, ABORTED => 8, ERROR => 9, OPEN => 0x10, DATA => 0x11, ZERO => 0x12, CLOSE => 0x13,
  RELEASE => 0x15 };

my $preamble = "\x89SLU\r\n\x1a\n";
my ($sent, $stored, $position) = (0, 0, 0);

sub take {
  my ($count, $data) = ($_[0], '');
  while (length $data < $count) {
    my $read = sysread(IN, $data, $count - length $data, length $data);
    exit 1 unless $read;
  }
  return $data;
}

sub put {
  my ($bytes) = @_;
  while (length $bytes) {
    my $written = syswrite(OUT, $bytes);
    exit 1 unless defined $written;
    substr($bytes, 0, $written) = '';
  }
}

sub send_frame {
  my ($kind, $payload) = @_;
  $payload = encode_json($payload) if ref $payload;
  put(pack('VvvVV', length $payload, $kind, 0, 0, $sent++) . $payload);
}

sub fail {
  my ($code, $text) = @_;
  send_frame(ERROR, pack('VVVV', $code, 1, 0, 0) . encode_json({ message => $text }));
  exit 1;
}

sub store {
  my ($payload, $sequence) = @_;
  my ($offset, $length, $where, $masks) = unpack('Q<Vvv', $payload);
  fail(1, 'data is not inline') if $where;
  my $data = substr($payload, 32 + int((2 * $masks + 7) / 8) * 8);
  fail(1, 'data of another length') if length $data != $length;
  sysseek(ARCHIVE, $offset, 0);
  while (length $data) {
    my $written = syswrite(ARCHIVE, $data);
    fail(31, "writing: $!") unless defined $written;
    substr($data, 0, $written) = '';
  }
  ($position, $stored) = ($offset + $length, $stored + $length);
  send_frame(RELEASE, pack('V', $sequence));
}

sub run {
  die "not a host\n" if take(8) ne $preamble;
  put($preamble);
  for (my $sequence = 0;; $sequence++) {
    my ($length, $kind, $flags, $stream, $found) = unpack('VvvVV', take(16));
    fail(1, 'frames are missing') if $found != $sequence;
    my $payload = take($length);
    if ($kind == HELLO) {
      send_frame(HELLO_ACK,
        { version => 1, features => [], plugin => 'perl', plugin_version => '1' });
    } elsif ($kind == JOB) {
      fail(4, 'one disk only') if @{ decode_json($payload)->{streams} } != 1;
      send_frame(JOB_ACK, {});
    } elsif ($kind == DATA) {
      store($payload, $sequence);
    } elsif ($kind == ZERO) {
      my ($offset, $count) = unpack('Q<Q<', $payload);
      $position = $offset + $count;
    } elsif ($kind == CLOSE) {
      truncate(ARCHIVE, $position) or fail(31, "truncating: $!");
    } elsif ($kind == FINISH) {
      my @archive = ({ name => 'archive', size => $position });
      send_frame(FINISHED, { artefacts => \@archive, stored => $stored });
      exit(sysread(IN, my $rest, 1) ? 1 : 0);
    } elsif ($kind == ABORT) {
      send_frame(ABORTED, {});
      exit 1;
    } elsif ($kind != OPEN && !($kind & 0x8000)) {
      fail(2, "unknown frame type $kind");
    }
  }
}

if (($ENV{SLUICE_PROTOCOL} // '') ne '1') {
  print STDERR "perl: a plugin of a Sluice host, not meant to be started by hand\n";
  exit 2;
}
open(IN, '<&=', 3) or die "channel 3: $!\n";
open(OUT, '>&=', 4) or die "channel 4: $!\n";
open(ARCHIVE, '+<&=', 6) or open(ARCHIVE, '>&=', 6) or die "channel 6: $!\n";
binmode($_) for \*IN, \*OUT, \*ARCHIVE;
run();
