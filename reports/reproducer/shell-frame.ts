/** The part of every shell reproducer that is the same: starting QEMU, talking to it, ending it. */

/** Text with `$\{` where a shell has `${`, which would mean something else here. */
function shell(text: string): string {
  return text.replaceAll("$\\{", "$\x7b").trimStart();
}

/** What comes before the commands: functions, and the start of QEMU with the options in `machine`. */
export const SHELL_FUNCTIONS = shell(String.raw`
QEMU=$\{QEMU:-qemu-system-x86_64}
LIMIT=$\{LIMIT:-@LIMIT@} # seconds that QEMU may take for everything

export LC_ALL=C
folder=
program=
seen=
doubt=
allowed=
expected=
fatal=
number=0

clean_up() {
  if [ -n "$program" ]; then
    kill "$program" 2>/dev/null
    wait "$program" 2>/dev/null
  fi
  if [ -n "$folder" ]; then rm -rf "$folder"; fi
}

no_verdict() {
  echo "no verdict: $*"
  exit 2
}

trap clean_up EXIT
trap 'exit 2' HUP INT TERM
trap '' PIPE

# The answer did not come: QEMU has ended, or the time is up and it was killed.
lost() {
  wait "$program" 2>/dev/null
  status=$?
  program=
  case $status in
    124 | 137) what="did not answer within $LIMIT s" ;;
    *) what="ended with status $status" ;;
  esac
  said=$(tail -n 1 "$folder/log" 2>/dev/null)
  if [ -n "$fatal" ]; then
    echo "deviation shown: QEMU $what at \"$1\"$\{said:+: $said}; recorded: @LOSS@; a conforming unit goes on"
    exit 1
  fi
  no_verdict "QEMU $what at command $number, \"$1\"$\{said:+: $said}"
}

# One qtest command. The digits of a value that comes back are in $value.
qtest() {
  number=$((number + 1))
  command_sent="$1 $2"
  { printf '%s\n' "$*" >&3; } 2>/dev/null || lost "$command_sent"
  IFS= read -r reply <&4 || lost "$command_sent"
  case $reply in
    "OK 0x"*) value=$\{reply#OK 0x} ;;
    OK*) value= ;;
    *) no_verdict "QEMU answered \"$reply\" to command $number, \"$command_sent\"" ;;
  esac
}

# fill ADDRESS COUNT STRIDE VALUE: 32-bit writes
fill() {
  at=$1
  left=$2
  while [ "$left" -gt 0 ]; do
    qtest writel "$at" "$4"
    at=$((at + $3))
    left=$((left - 1))
  done
}

# transfer DEVICE SOURCE TARGET BYTES COMMAND: a DMA of an edu device between memory and its buffer at 40000h;
# command 1 is into the buffer, 3 out of it. It takes 100 ms of virtual time.
transfer() {
  qtest writeq $(($1 + 0x80)) "$2"
  qtest writeq $(($1 + 0x88)) "$3"
  qtest writeq $(($1 + 0x90)) "$4"
  qtest writeq $(($1 + 0x98)) "$5"
  tries=0
  while :; do
    # Time passes by itself where the processor is emulated: timers run when QEMU has taken 1 KiB of commands.
    if [ -n "$stepped" ]; then qtest clock_step 100000000; fi
    qtest readl $(($1 + 0x98)) $idle
    if [ $((0x$value & 1)) -eq 0 ]; then return; fi
    tries=$((tries + 1))
    # On a busy machine the processor that moves the clock may have to wait for its turn.
    if [ "$tries" -gt 200 ]; then sleep 0.05; fi
    if [ "$tries" -gt 1000 ]; then no_verdict "a DMA of the edu device never ends"; fi
  done
}

# find_page TAG OFFSET PAGE...: the address of the page that holds the tag at that offset; all ones when none does
find_page() {
  tag=$1
  offset=$2
  shift 2
  for page; do
    qtest readl $((page + offset))
    if [ $((0x$value)) -eq $((tag)) ]; then
      value=$(printf '%016x' "$page")
      return
    fi
  done
  value=ffffffffffffffff
}

# matches VALUE MASK WANTED: 16 digits each, half by half, as arithmetic need not have 64 bits without a sign
matches() {
  [ $((0x$\{1%????????} & 0x$\{2%????????})) -eq $((0x$\{3%????????})) ] &&
    [ $((0x$\{1#????????} & 0x$\{2#????????})) -eq $((0x$\{3#????????})) ]
}

# may_be MASK VALUE WORDS: a conforming unit may show this
may_be() {
  if matches "$seen" "$1" "$2"; then allowed=1; fi
  expected="$\{expected:+$expected or }$3"
}

# must_not_be MASK VALUE WORDS: it may show anything else
must_not_be() {
  matches "$seen" "$1" "$2" || allowed=1
  expected="anything but $3"
}

# conclude SUBJECT BY RECORDED WORDS
conclude() {
  if [ -n "$doubt" ]; then no_verdict "$doubt"; fi
  what=$\{seen#"$\{seen%%[!0]*}"}
  what=0x$\{what:-0}
  if [ "$seen" = "$3" ]; then what=$4; fi
  if [ -n "$allowed" ]; then
    echo "not shown: $1: $what; recorded: $4; $2: $expected"
    exit 0
  fi
  echo "deviation shown: $1: $what; recorded: $4; $2: $expected"
  exit 1
}

# What the verdict rests on, beside what decides: where it differs from what was recorded, there is none.
is_recorded() {
  matches "$value" "$1" "$2" || doubt=$\{doubt:-"command $number read 0x$value, where 0x$2 under mask 0x$1 was recorded"}
}
is_not() {
  if matches "$value" "$1" "$2"; then doubt=$\{doubt:-"command $number read 0x$value, which was not so when this was recorded"}; fi
}
`);

/** Starts QEMU; `"$@"` are the options of the machine. */
export const SHELL_START = shell(String.raw`
command -v "$QEMU" >/dev/null || no_verdict "there is no $QEMU: set QEMU=/path/to/qemu-system-x86_64"
folder=$(mktemp -d) && mkfifo "$folder/commands" "$folder/replies" || no_verdict "no folder for pipes can be made"

# With the qtest accelerator the clock obeys clock_step. Binaries of distributions may lack it: then a processor is
# emulated that halts at once, with a clock that runs ahead while it sleeps.
if printf '%s\n' '{"execute":"qmp_capabilities"}' '{"execute":"quit"}' |
  timeout -k 1 20 "$QEMU" -machine none,accel=qtest -nodefaults -display none -qmp stdio >/dev/null 2>&1; then
  stepped=1
  idle=
  set -- -machine q35,accel=qtest "$@"
else
  stepped=
  idle=$(printf '%02048d' 0)
  zeros() { dd if=/dev/zero bs="$1" count=1 2>/dev/null; }
  {
@FIRMWARE@
  } >"$folder/firmware"
  set -- -machine q35,accel=tcg,kernel-irqchip=split,smm=off -icount shift=0,sleep=off -bios "$folder/firmware" "$@"
fi

timeout -k 1 "$LIMIT" "$QEMU" "$@" -nodefaults -no-user-config -display none -qtest stdio -qtest-log none \
  <"$folder/commands" >"$folder/replies" 2>"$folder/log" &
program=$!
exec 3>"$folder/commands" 4<"$folder/replies"
`);
