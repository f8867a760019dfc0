# What the fuzzers of formats share. A script sources this, then sets:
#
#   name      of the format; its entry is Tests/Fuzzing/NAME-fuzz
#   modules   NAME:FOLDER of every module under test, each behind those it imports
#   inputs    files that make the fuzzer's bytes into inputs
#   readers   files whose lines have to be reached
#   lengths   bytes of the longest input
#   freed     MiB; one input frees less, so that what is used after it was freed is still found
#
# and has a function `seeds DIRECTORY`. At its end it calls `fuzz SECONDS [OUTPUT]`.
# shellcheck shell=sh
set -eu
cd "$(dirname "$0")/../.."
export SWIFT_BACKTRACE=enable=no

# build KIND CHECK FLAGS…: the modules, one after the other, into OUTPUT/KIND. What makes inputs is
# not under test: it gets CHECK alone, and is not watched.
build() {
  into=$output/$1
  check=$2
  shift 2
  mkdir -p "$into"
  common="-swift-version 6 -parse-as-library -O -use-ld=lld -I $into -package-name sluice
    -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature ExistentialAny
    -enable-upcoming-feature InternalImportsByDefault -enable-experimental-feature Lifetimes"
  for library in CJansson CCrypto CExpat CCompression; do
    common="$common -I Sources/Libraries/$library -Xcc -ISources/Libraries/$library"
  done
  objects=
  for module in $modules; do
    # shellcheck disable=SC2086
    module "${module%%:*}" "${module#*:}/*.swift" "$@"
  done
  # shellcheck disable=SC2086
  module FuzzInput "$inputs" $check
  entry "${into##*/}" "$into/$name-fuzz" "$@"
}

# module NAME FILES FLAGS…: one module.
module() {
  unit=$1
  files=$2
  shift 2
  # shellcheck disable=SC2086
  swiftc $common "$@" -wmo -module-name "$unit" -emit-module -emit-module-path \
    "$into/$unit.swiftmodule" -c $files -o "$into/$unit.o"
  objects="$objects $into/$unit.o"
}

# entry KIND PROGRAM FLAGS…: the entry alone, on the modules in OUTPUT/KIND.
entry() {
  into=$output/$1
  program=$2
  shift 2
  # shellcheck disable=SC2086
  swiftc $common "$@" -module-name "${name}_fuzz" "Tests/Fuzzing/$name-fuzz"/*.swift \
    $objects -o "$program"
}

# fuzz SECONDS [OUTPUT]: exits 1 if the fuzzer found something, which is in OUTPUT/finding-* then,
# and if it reached too little.
fuzz() {
  seconds=${1:?how many seconds?}
  output=${2:-.build/fuzz-$name}
  # Where memory came from costs a quarter of the time, and is told when a finding is played once
  # more without this.
  export ASAN_OPTIONS="quarantine_size_mb=$freed:malloc_context_size=0"
  mkdir -p "$output/seeds" "$output/corpus"
  seeds "$output/seeds"
  build fuzz -sanitize=address -sanitize=fuzzer,address -g
  # A fuzzer that notices nothing would look the same as code without faults.
  entry fuzz "$output/canary" -sanitize=fuzzer,address -D CANARY
  if "$output/canary" -runs=0 -artifact_prefix="$output/canary-" "$output/seeds" 2>/dev/null; then
    echo "the canary lives: this fuzzer notices nothing" >&2
    exit 1
  fi
  "$output/fuzz/$name-fuzz" -max_total_time="$seconds" -runs="${SLUICE_FUZZ_RUNS:--1}" \
    -max_len="$lengths" -timeout="${SLUICE_FUZZ_TIMEOUT:-10}" -rss_limit_mb=1024 \
    -print_final_stats=1 -verbosity=1 -report_slow_units=10 \
    -artifact_prefix="$output/finding-" "$output/corpus" "$output/seeds" 2>"$output/log" || {
    tail -40 "$output/log"
    exit 1
  }
  grep -E 'stat::(number_of_executed|average_exec|peak)|DONE' "$output/log"
  coverage
}

# coverage: plays the corpus that came out once more, and tells which lines it reached.
coverage() {
  # The profile's format goes with the compiler: its own tools come first.
  PATH=$(dirname "$(readlink -f "$(command -v swiftc)")"):$PATH
  command -v llvm-cov >/dev/null || { echo "coverage: skipped, llvm-cov is missing"; exit 0; }
  build coverage '' -sanitize=fuzzer -profile-generate -profile-coverage-mapping
  LLVM_PROFILE_FILE="$output/profile" "$output/coverage/$name-fuzz" -runs=0 \
    "$output/corpus" "$output/seeds" 2>/dev/null
  llvm-profdata merge "$output/profile" -o "$output/profile.data"
  # shellcheck disable=SC2086
  llvm-cov report "$output/coverage/$name-fuzz" -instr-profile="$output/profile.data" \
    $readers >"$output/coverage.txt"
  awk '/\.swift|TOTAL/ { printf "%-40s %8s of lines\n", $1, $10 }' "$output/coverage.txt"
  awk '/^TOTAL/ {
    share = 100 * ($8 - $9) / $8
    printf "reader: %d lines, %.1f%% reached\n", $8, share
    exit share < 90
  }' "$output/coverage.txt"
}
