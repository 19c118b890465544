#!/usr/bin/env bash
# The one script of moebius. Everything works on a fresh Debian 12, as root or through sudo.
#
#   ./do setup [GROUP...]  install Debian packages (groups: core test format lint fuzz compare golden; default: all)
#   ./do build [PRESET]    build; the program is build/PRESET/moebius  (presets: release dev tsan fuzz; default: release)
#   ./do demo              let the demo model answer, then measure 4 layers of the 35B-A3B shape
#   ./do test [CTEST ARG]  build and run every test; ends with "N passed, N failed"
#   ./do lint [FILE...]    format, layers, sizes, clang-tidy (changed files, or those given)
#   ./do fmt               format all C++ in place
#   ./do bench [DIR [ARG]] measure the three expert paths on a checkpoint (default: the demo's)
#   ./do bench --against REV [DIR [ARG]]   this tree and another revision by turns: ratios with confidence intervals
#   ./do golden            make the goldens again and say whether they changed; test the recipe of the demo model
#   ./do soak [MINUTES [SEED]]   random requests, cancels and forks, every answer compared with the plain one
#                          (default: 60 minutes, seed 1)
#   ./do fuzz [TARGET [N]] run libFuzzer targets, N executions each (default: all, 5000000)
#   ./do check             what CI runs: lint, tests, instruction-set leaks, sanitized tests, tests of threads
#   ./do help              this page
#
# Each command first installs the packages that it needs and that are missing. It compiles through ccache, with Ninja.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

# Debian packages by what needs them. A command asks for its groups, and no command for more than it needs.
declare -rA packages=(
  [core]="g++ cmake ninja-build ccache git pkg-config libcli11-dev nlohmann-json3-dev libfmt-dev libxxhash-dev
    libpcre2-dev libutf8proc-dev libedit-dev"
  [test]="libgtest-dev libgmock-dev librapidcheck-dev python3 binutils"
  [format]="git clang-format-19"
  [lint]="clang-tidy-19 python3"
  [fuzz]="clang-19 libclang-rt-19-dev"
  [compare]="python3"
  [golden]="python3-venv ca-certificates"
)
readonly demo_dir=build/demo/qwen3.5-35b-a3b-4layers-3bit
readonly demo_gb=3
export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
export PYTHONDONTWRITEBYTECODE=1

say() { printf '\n== %s\n' "$*" >&2; }
die() {
  local code=$1
  shift
  printf 'do: %s\n' "$@" >&2
  exit "$code"
}

# ---- setup ---------------------------------------------------------------------------------------------------------

# packages_of GROUP...: one a line.
packages_of() {
  local group
  for group; do xargs -n 1 <<<"${packages[$group]}"; done | sort -u
}

# missing PACKAGE...: those that are not installed.
missing() {
  comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort)
}

install_packages() {
  local as_root=()
  if [[ $(id -u) != 0 ]]; then
    as_root=(sudo)
    command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; } ||
      die 69 "packages are missing and this user may not install them. As root:" \
        "  apt-get update && apt-get install --no-install-recommends $*"
  fi
  say "installing $*"
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# need_packages GROUP...: installs what is missing of these groups.
need_packages() {
  local wanted absent
  mapfile -t wanted < <(packages_of "$@")
  if ! command -v dpkg-query >/dev/null; then
    echo "do: not a Debian system; these must be there (Debian's names): ${wanted[*]}" >&2
    return
  fi
  mapfile -t absent < <(missing "${wanted[@]}")
  if ((${#absent[@]})); then install_packages "${absent[@]}"; fi
}

cmd_setup() {
  local group
  (($#)) || set -- "${!packages[@]}"
  for group; do
    [[ -v packages[$group] ]] || die 2 "no group '$group': there are $(printf '%s\n' "${!packages[@]}" | sort | xargs)"
  done
  need_packages "$@"
}

# ---- build and test ------------------------------------------------------------------------------------------------

# build PRESET [TARGET...]. It configures each time, which takes less than a second: then a preset that was edited counts,
# and so do GTest and rapidcheck that were installed after the first build.
build() {
  local preset=$1
  shift
  cmake --preset "$preset" >&2 &&
    cmake --build --preset "$preset" ${1+--target "$@"} >&2
}

# run_tests PRESET [CTEST ARG...]: prints what fails, leaves build/PRESET/tests.xml for count.
run_tests() {
  local preset=$1
  shift
  local report=$PWD/build/$preset/tests.xml
  rm -f "$report"
  ctest --test-dir "build/$preset" --output-on-failure --parallel 2 --timeout 3600 --no-tests=error \
    --output-junit "$report" --test-output-size-passed 10000000 --test-output-size-failed 10000000 "$@" >&2
}

cmd_build() {
  local preset=${1:-release} groups=(core)
  if [[ $preset == fuzz ]]; then groups+=(fuzz); fi
  need_packages "${groups[@]}"
  build "$preset"
}

cmd_test() {
  need_packages core test
  build release
  local status=0
  run_tests release "$@" || status=$?
  python3 tools/count_tests.py build/release/tests.xml || status=1
  return "$status"
}

# ---- lint ----------------------------------------------------------------------------------------------------------

cpp_files() {
  git ls-files --cached --others --exclude-standard '*.cpp' '*.h' | while read -r file; do
    if [[ -f $file ]]; then echo "$file"; fi
  done
}

check_format() { cpp_files | xargs -r clang-format-19 --dry-run -Werror; }

cmd_fmt() {
  need_packages format
  cpp_files | xargs -r clang-format-19 -i
}

# The *.cpp that git tracks and that differ from where this branch left main (on main itself: from the commit before).
# A header is linted with the files that include it.
changed_cpp_files() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || true)
  if [[ -z $base || $base == $(git rev-parse HEAD) ]]; then base=$(git rev-parse -q --verify HEAD~1 || true); fi
  { [[ -n $base ]] && git diff --name-only --diff-filter=d "$base" -- '*.cpp' || git ls-files '*.cpp'; } | sort -u
}

# Ten minutes at most: what is left then is named, not linted.
check_tidy() {
  build release || return
  local files=("$@")
  ((${#files[@]})) || mapfile -t files < <(changed_cpp_files)
  python3 tools/run_tidy.py --build build/release --minutes 10 "${files[@]}"
}

check_layers() { python3 tools/check_layers.py; }
check_sizes() { python3 tools/check_sizes.py; }
check_isa() { python3 tools/check_isa.py build/release; }

cmd_lint() {
  local status=0
  need_packages core test format lint
  check_format || status=1
  check_layers || status=1
  check_sizes || status=1
  check_tidy "$@" || status=1
  return "$status"
}

# ---- check: everything, and one line at the end --------------------------------------------------------------------

release_tests() { build release && run_tests release; }

# Every C++ test program says in CMake whether it runs sanitized (it does unless it names a reason) and whether it has
# threads: cmake/moebius.cmake turns that into the labels and the targets that are named here.
# Sanitizers slow everything down ten times and more. They run the parity cases that differ in code, not in size, and leave
# out the longest answers of the engine, the longest simulations of the planner, and whole models on the portable kernels,
# which no sanitizer watches.
readonly large='*ExpertLayers*:*ExpertFormats*:*AttentionLong*:*Families*:DemoModel*'\
':Speculation.loses_at*:Speculation.comes*:*cpuportable*'

sanitized_tests() {
  build dev sanitize_tests || return
  GTEST_FILTER="-$large" run_tests dev -L '^sanitize$'
}
threaded_tests() {
  build tsan threads_tests || return
  GTEST_FILTER="-$large:Linear/*:Router/*:Embed/*:Norm/*" run_tests tsan -L '^threads$'
}

cmd_check() {
  local failed=() passed=0 step start
  need_packages core test format lint
  rm -f build/*/tests.xml
  for step in check_{format,layers,sizes} release_tests check_isa {sanitized,threaded}_tests check_tidy; do
    say "$step"
    start=$SECONDS
    if "$step"; then passed=$((passed + 1)); else failed+=("$step"); fi
    say "$step: $((SECONDS - start)) s"
  done
  if ((${#failed[@]})); then printf 'failed: %s\n' "${failed[@]}" >&2; fi
  python3 tools/count_tests.py --passed "$passed" --failed "${#failed[@]}" build/*/tests.xml
}

# ---- measure -------------------------------------------------------------------------------------------------------

# need DIR GB: enough disk below DIR and memory for a checkpoint of that size, or say what is short.
need() {
  local dir=$1 gb=$2 disk_gb memory_gb
  mkdir -p "$dir"
  disk_gb=$(($(df --output=avail -k "$dir" | tail -1) / 1000000))
  memory_gb=$(($(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo) / 1000000))
  ((disk_gb >= gb)) || die 69 "$dir: $disk_gb GB are free, this needs $gb GB. Free some, or build on a larger disk."
  ((memory_gb >= gb)) || die 69 "$memory_gb GB of memory are free, this needs $gb GB. End what uses it."
}

readonly demo_questions=("What is 47+38?" "Sort these words: tiger, pear, sand, fern, apple" "Tell me a short story about a fox.")

cmd_demo() {
  need_packages core
  build release moebius
  local question
  for question in "${demo_questions[@]}"; do
    say "$question"
    build/release/moebius generate models/demo --chat --temperature 0 --max-tokens 200 -p "$question"
  done
  say "talk with it: build/release/moebius chat models/demo"
  if [[ ! -d $demo_dir ]]; then
    need "$(dirname "$demo_dir")" "$demo_gb"
    say "a random checkpoint of the 35B-A3B shape, 4 of its 40 layers, 3 bits"
    build/release/moebius synth --preset qwen3.5-35b-a3b --layers 4 --bits 3 --seed 1 "$demo_dir"
  fi
  say "what is in it"
  build/release/moebius inspect "$demo_dir"
  say "the three expert paths, side by side: one token (s 1) and a batch of 16 to verify (s 16)"
  build/release/moebius bench "$demo_dir" --experts unfused,concat,fused --s 1,16 --context 128
  local full=${demo_dir/4layers/40layers}
  cat >&2 <<TEXT

The full size is 40 layers: 15 GB on disk, and as much free memory.
  build/release/moebius synth --preset qwen3.5-35b-a3b --bits 3 --seed 1 $full
  build/release/moebius inspect $full
  build/release/moebius bench $full --experts unfused,concat,fused --s 1,16 --context 128
TEXT
}

# The program of another revision, built in a worktree of its own; prints its path.
build_revision() {
  local commit tree
  commit=$(git rev-parse --verify -q "$1^{commit}") || die 2 "$1: no such revision; git log shows what there is"
  tree=$PWD/build/against/${commit:0:12}
  [[ -d $tree ]] || git worktree add --detach "$tree" "$commit" >&2
  (cd "$tree" && cmake --preset release -DBUILD_TESTING=OFF >&2 &&
    cmake --build --preset release --target moebius >&2)
  echo "$tree/build/release/moebius"
}

bench_against() {
  local revision=${1:-} dir=${2:-$demo_dir} old
  need_packages core compare
  [[ -n $revision ]] || die 2 "which revision? ./do bench --against HEAD~1"
  [[ -d $dir ]] || die 66 "$dir is not there. ./do demo makes it, or name a checkpoint: ./do bench --against REV DIR"
  build release moebius
  old=$(build_revision "$revision")
  shift $(($# > 2 ? 2 : $#))
  (($#)) || set -- --experts fused --s 1,16 --context 128 --reps 11
  python3 tools/compare_builds.py "$old" build/release/moebius "$dir" "$@"
}

cmd_bench() {
  if [[ ${1:-} == --against ]]; then
    bench_against "${@:2}"
    return
  fi
  need_packages core
  build release moebius
  local dir=${1:-$demo_dir}
  [[ -d $dir ]] || die 66 "$dir is not there. ./do demo makes it, or name a checkpoint: ./do bench DIR"
  shift || true
  (($#)) || set -- --experts unfused,concat,fused --s 1,16 --context 128
  build/release/moebius bench "$dir" "$@"
}

# ---- goldens and fuzzing -------------------------------------------------------------------------------------------

compare_goldens() {
  if git diff --quiet -- tests/golden && [[ -z $(git ls-files --others --exclude-standard tests/golden) ]]; then
    echo "goldens: unchanged"
  else
    echo "goldens: CHANGED"
    git diff --stat -- tests/golden
    git ls-files --others --exclude-standard tests/golden
    return 1
  fi
}

# The recipe of models/demo on a CPU: its tests, then all of it for a model too small to learn much, which the program
# must accept.
run_recipe() (
  out=$(mktemp -d build/recipe.XXXXXX)
  trap 'rm -rf "$out"' EXIT
  .venv/bin/python tools/demo_model/tests.py &&
    .venv/bin/python tools/demo_model/make.py --tiny "$out" --moebius build/release/moebius &&
    build/release/moebius doctor --quick "$out/mlx"
)

test_recipe() {
  if run_recipe >&2; then
    echo "recipe of the demo model: passed"
  else
    echo "recipe of the demo model: FAILED"
    return 1
  fi
}

cmd_golden() {
  need_packages core golden
  [[ -x .venv/bin/python ]] || python3 -m venv .venv
  .venv/bin/python -m pip install -q -r tests/golden/requirements.txt
  build release moebius
  local script status=0
  for script in make make_quant make_convert make_sampling make_tokenizer make_templates; do
    .venv/bin/python "tests/golden/$script.py"
  done
  test_recipe || status=1
  compare_goldens || status=1
  return "$status"
}

cmd_soak() {
  need_packages core
  build release soak
  build/release/soak "${1:-60}" "${2:-1}"
}

cmd_fuzz() {
  local runs=${2:-5000000} source name
  need_packages core fuzz
  for source in tests/fuzz/${1:-*}_fuzz.cpp; do
    [[ -f $source ]] || die 2 "no target ${1:-}: there are $(ls tests/fuzz | sed -n 's/_fuzz.cpp//p' | xargs)"
    name=$(basename "$source" _fuzz.cpp)
    build fuzz "${name}_fuzz"
    say "fuzz $name: $runs executions"
    mkdir -p "build/fuzz/corpus/$name" "build/fuzz/crashes"
    # What is found goes to the build folder; the seeds in the repository stay few and chosen.
    "build/fuzz/${name}_fuzz" -runs="$runs" -rss_limit_mb=512 -timeout=5 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/crashes/$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name"
  done
}

# --------------------------------------------------------------------------------------------------------------------

cmd_help() { sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; }

main() {
  local command=${1:-help}
  shift || true
  case $command in
    help | -h | --help) cmd_help ;;
    setup | build | demo | test | lint | fmt | bench | golden | soak | fuzz | check) "cmd_$command" "$@" ;;
    *) die 2 "unknown command '$command'; ./do help" ;;
  esac
}
main "$@"
