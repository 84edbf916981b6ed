/*
 * The map, unmap, flush and free protocol of docs/explore.md as an abstraction made by hand: 2 requesters, 2 domains,
 * 2 addresses, 3 pages. An entry that was replaced may be in use (cached) when a function was attached to its domain
 * before, until a flush is complete that was submitted later.
 */
#define R 2
#define D 2
#define I 2
#define P 3
#define NONE 3

#define FREE 0
#define MAPPED 1
#define UNMAPPED 2
#define SUBMITTED 3
#define FLUSHED 4

byte attached[R] = NONE;
/* By page: what becomes of it, where it is or was mapped, and whether that may be cached. */
byte state[P] = FREE;
byte domain[P] = NONE;
byte iova[P] = NONE;
bool cached[P];
byte flushing = NONE;

#define used(d) (attached[0] == d || attached[1] == d)
#define at(p, d, i) (state[p] == MAPPED && domain[p] == d && iova[p] == i)
#define vacant(d, i) (!at(0, d, i) && !at(1, d, i) && !at(2, d, i))

#define attach(r, d) :: atomic { attached[r] == NONE -> attached[r] = d }
#define map(d, i, p) :: atomic { state[p] == FREE && vacant(d, i) -> \
  state[p] = MAPPED; domain[p] = d; iova[p] = i }
#define unmap(p) :: atomic { state[p] == MAPPED -> state[p] = UNMAPPED; cached[p] = used(domain[p]) }
#define covered(p, d) if :: state[p] == UNMAPPED && domain[p] == d -> state[p] = SUBMITTED :: else fi
#define submit(d) :: atomic { flushing == NONE -> flushing = d; covered(0, d); covered(1, d); covered(2, d) }
#define done(p) if :: state[p] == SUBMITTED -> state[p] = FLUSHED; cached[p] = 0 :: else fi
/* The page is nobody's from now on: nothing of a device may reach it any more. */
#define free(p) :: atomic { state[p] == FLUSHED -> assert(!cached[p]); \
  state[p] = FREE; domain[p] = NONE; iova[p] = NONE }

active proctype software() {
  do
  attach(0, 0) attach(0, 1) attach(1, 0) attach(1, 1)
  map(0, 0, 0) map(0, 0, 1) map(0, 0, 2) map(0, 1, 0) map(0, 1, 1) map(0, 1, 2)
  map(1, 0, 0) map(1, 0, 1) map(1, 0, 2) map(1, 1, 0) map(1, 1, 1) map(1, 1, 2)
  unmap(0) unmap(1) unmap(2)
  submit(0) submit(1)
  :: atomic { flushing != NONE -> done(0); done(1); done(2); flushing = NONE }
  free(0) free(1) free(2)
  od
}
