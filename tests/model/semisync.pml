/* semisync.pml - who may acknowledge, and who may lead: docs/decisions/0012, searched.
 *
 * N servers, one of them the master h, and one commit X that is written once, at any time. A commit
 * is told to the client when any one replica that acknowledges has received it (MariaDB's semi-sync),
 * or at once while commits wait for nobody.  The arbiter's set S is on its disk, so its restarts
 * change nothing.  Databases of replicas restart and lose what they had only received; connections
 * break and come back; the old master goes on until another is granted (the lease is lease.pml's).
 * Safety: a server that becomes master has X, if X was told.
 *
 * Switches that break one rule each; the checker must refute every one:
 *   BAD_TELL       a replica acknowledges before it is in S on disk
 *   BAD_LEAVING    the gate does not ask members that are leaving
 *   BAD_NOBAR      a leaver's connection is killed, but it may come again, acknowledging
 *   BAD_EARLY      a leaver is removed before the rest has what it acknowledged
 *   BAD_WHOLE      a member whose database restarted counts as one that has all
 *   BAD_PROMISE    a member that answered the election goes on receiving and acknowledging
 *   BAD_ASKALL     the gate asks only one member of S
 *   BAD_EMPTY      commits cease to wait while S still covers
 *   BAD_COVER      S covers before a member has the master's position
 *   BAD_UNCOVERED  an election though S does not cover
 *   BAD_ANEW       after a grant S covers as before
 *   BAD_WINNER     the winner's database may have restarted since it was asked
 *   BAD_RETURN     a leaver whose database restarted comes back as whole
 *   BAD_FOLLOW     who follows a new master goes on acknowledging as before
 *   BAD_AGAIN      when the old master leads again, a leaver that has received more than it leaves S by its promise
 *   BAD_LOST       and so does one whose database restarted
 * AGAIN: the first grant goes to the old master, which has lost nothing, whoever has promised by then. */
#ifndef N
#define N 3
#endif
#ifndef EPOCHS
#define EPOCHS 2                /* elections                                  */
#endif
#define S_TOLD(x) (in[x] && !leaving[x])
#ifdef AGAIN
#define MAY_END (covered || epoch == 0) /* for who leads again the gate asks for no cover */
#else
#define MAY_END covered
#endif
#define LED (!electing && !again)       /* h is heard to lead: only then S changes */

byte h = 0;                     /* the master                                 */
byte epoch = 0;
bool again, had;                /* h leads again, not heard to be writable; it had X when it was granted */
bool written, told;             /* X: by the master; to its client            */
bool waits, covered, electing;
bool has[N], conn[N], acks[N];  /* X; connected to h; acknowledges            */
bool in[N], leaving[N], whole[N];       /* S, on the arbiter's disk           */
bool gone[N], asked[N], need[N];        /* it can acknowledge no more; the position was read since */
bool barred[N];
bool prom[N], rep[N], repw[N];  /* promised; and said then: has X, is whole   */
byte a, i, c;                   /* scratch, zero between steps                */
bool ok, more;
#define clr a = 0; i = 0; c = 0; ok = 0; more = 0

inline any() { a = 0; do :: a < N-1 -> a++ :: break od }
inline forget_leave(x) { leaving[x] = 0; gone[x] = 0; asked[x] = 0; need[x] = 0 }
/* more: somebody but x is told that it is in S; ok: every such is whole and has what x may have acknowledged */
inline rest_of(x) {
  more = 0; ok = 1; i = 0;
  do :: i < N ->
        if :: i != x && S_TOLD(i) -> more = 1;
              if :: !whole[i] || (need[x] && !has[i]) -> ok = 0 :: else fi
           :: else
        fi; i++
     :: else -> break
  od
}

inline unpromise() {
  i = 0;
  do :: i < N -> if :: prom[i] -> acks[i] = 0 :: else fi;
        prom[i] = 0; rep[i] = 0; repw[i] = 0; i++
     :: else -> break
  od;
  i = 0
}

init {
  conn[1] = 1; conn[N-1] = 1;
  do
  /* ---- the data ---- */
  :: atomic { !written -> written = 1; has[h] = 1 }
  :: atomic { any(); if :: a != h && conn[a] && has[h] -> has[a] = 1 :: else fi; clr }
  :: atomic { any();
       if :: written && !told && waits && has[h] && a != h && conn[a] && acks[a] && has[a] -> told = 1
          :: else
       fi; clr }
  :: atomic { written && !told && !waits && has[h] -> told = 1 }
  :: atomic { any(); if :: a != h -> conn[a] = 0 :: else fi; clr }
  :: atomic { any(); if :: a != h && !barred[a] && !prom[a] -> conn[a] = 1 :: else fi; clr }
  /* a replica's database restarts: the relay log is thrown away, and semi-sync is off */
  :: atomic { any();
       if :: a != h -> conn[a] = 0; acks[a] = 0; whole[a] = 0;
             if :: has[a] = 0 :: skip fi
          :: else
       fi; clr }

  /* ---- who is in S ---- */
  :: atomic { any();
       if :: LED && a != h && !in[a] && !barred[a] && !acks[a] -> in[a] = 1; whole[a] = 1
          :: else
       fi; clr }
  /* it hears that it is in S */
  :: atomic { any();
#ifdef BAD_TELL
       if :: a != h && !prom[a] -> acks[a] = 1 :: else fi;
#else
       if :: a != h && S_TOLD(a) && !prom[a] -> acks[a] = 1 :: else fi;
#endif
       clr }
  /* it hears that it is not */
  :: atomic { any(); if :: !S_TOLD(a) -> acks[a] = 0 :: else fi; clr }
  /* the master hears of S: commits wait */
  :: atomic { any(); if :: S_TOLD(a) && LED -> waits = 1 :: else fi; clr }
  /* it hears that S is empty: they wait no more */
  :: atomic { a = 0; ok = 1;
       do :: a < N -> if :: S_TOLD(a) -> ok = 0 :: else fi; a++ :: else -> break od;
       if :: ok && LED -> waits = 0 :: else fi; clr }
  /* a position that was read since commits wait, and a member that has it */
  :: atomic { any();
#ifdef BAD_COVER
       if :: waits && LED && S_TOLD(a) -> covered = 1 :: else fi;
#else
       if :: waits && LED && S_TOLD(a) && acks[a] && whole[a] && (!has[h] || has[a]) -> covered = 1
          :: else
       fi;
#endif
       clr }
  /* a restarted member has the master's position again, read since */
  :: atomic { any();
       if :: LED && S_TOLD(a) && !whole[a] && conn[a] && (!has[h] || has[a]) -> whole[a] = 1
          :: else
       fi; clr }
  /* somebody is to leave; when nobody else is left, S covers nothing from then on */
  :: atomic { any();
       if :: LED && S_TOLD(a) -> rest_of(a);
#ifndef BAD_EMPTY
             if :: !more -> covered = 0 :: else fi;
#endif
             leaving[a] = 1
          :: else
       fi; clr }
  /* it is back before it was let go */
  :: atomic { any();
#ifdef BAD_RETURN
       if :: LED && in[a] && leaving[a] -> whole[a] = 1; barred[a] = 0; forget_leave(a) :: else fi;
#else
       if :: LED && in[a] && leaving[a] && whole[a] -> barred[a] = 0; forget_leave(a) :: else fi;
#endif
       clr }
  /* it says that it acknowledges no more, or the master shuts it out */
  :: atomic { any(); if :: in[a] && leaving[a] && !acks[a] -> gone[a] = 1 :: else fi; clr }
  :: atomic { any();
       if :: LED && in[a] && leaving[a] -> conn[a] = 0; gone[a] = 1;
#ifndef BAD_NOBAR
             barred[a] = 1
#endif
          :: else
       fi; clr }
  :: atomic { any(); if :: barred[a] && !acks[a] && !in[a] -> barred[a] = 0 :: else fi; clr }
  /* the master's position is read; when the rest has it, the leaver is out */
  :: atomic { any();
       if :: LED && in[a] && gone[a] && !asked[a] -> asked[a] = 1; need[a] = has[h] :: else fi; clr }
  :: atomic { any();
       if :: LED && in[a] && asked[a] -> rest_of(a);
#ifdef BAD_EARLY
             ok = 1;
#endif
             if :: !more || ok -> in[a] = 0; whole[a] = 0; forget_leave(a) :: else fi
          :: else
       fi; clr }

  /* ---- an election ---- */
#ifdef BAD_UNCOVERED
  :: atomic { LED && epoch < EPOCHS -> electing = 1; unpromise() }
#else
  :: atomic { LED && MAY_END && epoch < EPOCHS -> electing = 1; unpromise() }
#endif
  /* a promise, or the same said again: it receives no more, and says what it has */
  :: atomic { any();
       if :: (electing || again) && a != h -> prom[a] = 1; rep[a] = has[a]; repw[a] = whole[a];
#ifndef BAD_PROMISE
             conn[a] = 0
#endif
          :: else
       fi; clr }
#ifdef AGAIN
  /* it dies before it was heard to be writable */
  :: atomic { again && covered && epoch < EPOCHS -> again = 0; electing = 1; unpromise() }
  /* it leads again; some are not heard */
  :: atomic { electing && epoch == 0 -> epoch++; electing = 0; again = 1; had = has[h]; i = 0; more = 0;
       do :: i < N ->
             if :: in[i] -> if :: leaving[i] = 1 :: skip fi :: else fi;
             if :: S_TOLD(i) -> more = 1 :: else fi; i++
          :: else -> break
       od;
       waits = more;
       if :: !more -> covered = 0 :: else fi; clr }
  /* it is heard to be writable. Who had not promised by then followed it on, and may have acknowledged since */
  :: atomic { again -> again = 0; covered = 0; i = 0;
       do :: i < N ->
             if :: in[i] && leaving[i] && prom[i] &&
#ifndef BAD_LOST
                   repw[i] &&
#endif
#ifndef BAD_AGAIN
                   (!rep[i] || had) &&
#endif
                   true ->
                   in[i] = 0; whole[i] = 0; forget_leave(i)
                :: else
             fi;
             if :: S_TOLD(i) && whole[i] && (!had || has[i]) -> covered = 1 :: else fi; i++
          :: else -> break
       od; clr }
  /* who promised is told to follow it once more */
  :: atomic { any(); if :: LED && prom[a] -> prom[a] = 0; acks[a] = 0 :: else fi; clr }
#endif
  /* the gate, and the grant */
#ifdef AGAIN
#define ELECTS (electing && epoch > 0)
#else
#define ELECTS electing
#endif
  :: atomic { any(); c = a; ok = ELECTS && c != h && prom[c]; more = 0; i = 0;
       do :: i < N ->
             if :: !in[i] -> skip
#ifdef BAD_LEAVING
                :: in[i] && leaving[i] -> skip
                :: in[i] && !leaving[i] ->
#else
                :: in[i] ->
#endif
#ifdef BAD_ASKALL
                   if :: prom[i] && repw[i] && (!rep[i] || rep[c]) -> more = 1 :: else fi
#else
                   more = 1;
                   if :: !prom[i] || (rep[i] && !rep[c]) -> ok = 0 :: else fi;
#ifndef BAD_WHOLE
                   if :: !repw[i] -> ok = 0 :: else fi
#endif
#endif
             fi; i++
          :: else -> break
       od;
#ifndef BAD_WINNER
       if :: ok && rep[c] != has[c] -> ok = 0 :: else fi;
#endif
       if :: ok && more ->
             assert(!told || has[c]);
             h = c; epoch++; electing = 0; covered = 0; waits = 0;
             in[h] = 0; whole[h] = 0; forget_leave(h);
             if :: !has[h] -> written = 0 :: else fi;
             i = 0;
             do :: i < N ->
                   if :: !written -> has[i] = 0 :: else fi;
                   if :: in[i] && leaving[i] -> in[i] = 0; whole[i] = 0; forget_leave(i) :: else fi;
                   if :: in[i] -> waits = 1; if :: rep[i] == has[h] && repw[i] && whole[i] -> covered = 1 :: else fi
                      :: else
                   fi;
#ifdef BAD_ANEW
                   if :: in[i] -> covered = 1 :: else fi;
#endif
                   /* whoever follows the new master is told with that whether it acknowledges */
#ifndef BAD_FOLLOW
                   acks[i] = 0;
#endif
                   conn[i] = 0; prom[i] = 0; rep[i] = 0; repw[i] = 0; i++
                :: else -> break
             od
          :: else
       fi; clr }
  od
}
