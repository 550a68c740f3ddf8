/* The lease of one lane, as app/anchorbolt/inbox and app/anchorbolt/worker keep it: accept, claim, renew or cancel, write how a run ended, keep
   the lane for its next delivery, hand back; under crashes, stalls (SIGSTOP), cuts from the database, drains, and commits
   whose answer never came. Checked with Spin: see README.md. Each atomic block that touches the database is one transaction. */

#define held_by_run (owner == pod(me) + 1 && epoch == run_epoch[me])
#ifdef BY_OWNER                              /* mistake: fenced by the owner alone */
#define fence (owner == pod(me) + 1)
#else
#define fence held_by_run
#endif
#ifdef NO_CANCEL                             /* mistake: runs that cannot renew go on */
#define cancels false
#else
#define cancels true
#endif
#ifdef TAKE_AT_ONCE                          /* mistake: who accepts runs what it accepted, although older ones wait */
#define may_take (owner == 0)
#else
#define may_take (pending == 1)              /* this delivery made the row */
#endif
#ifdef COUNT_TWICE                           /* mistake: a completion that is written again counts the lane down again */
#define counts true
#else
#define counts (state[d1] == 1)
#endif
#ifdef GIVE_BACK_ALL                         /* mistake: frees whatever the process holds, not the lost claim's epoch alone */
#define unheld true
#else
#define unheld (!holds(p * RUNS) && !holds(p * RUNS + 1))
#endif

#define PODS 2
#define RUNS 2                               /* a pod may claim the lane again while its old, lost run has not ended yet */
#define SLOTS 4                              /* PODS * RUNS; slot / RUNS is the pod */
#define DELIVERIES 2
#define NONE 255

/* how far a run is: its listener runs, or what is to be written of it */
#define RUNNING 0
#define DONE 1
#define FAILED 2
#define STOPPED 3                            /* to be handed back */
#define IN_DOUBT 4                           /* accepted, and nobody told us whether the lane is ours: asked again */

/* the database */
byte state[DELIVERIES];                      /* 0 unknown, 1 live, 2 done */
byte pending;                                /* the lane's row is there while this is not 0 */
byte owner;                                  /* 0 nobody, else pod + 1 (a process: one that crashed has no runs left) */
byte epoch;                                  /* the number of the claim within its owner */
bool leased;                                 /* with an owner: claimable_at is still to come */
byte completions[DELIVERIES];

/* the pods */
bool alive[PODS]; bool stalled[PODS]; bool cut[PODS]; bool draining[PODS];
byte work[SLOTS]; byte run_epoch[SLOTS]; byte end[SLOTS];
bool again[SLOTS];                           /* its end was sent once, and no answer came */
bool lingers[SLOTS];                         /* cancelled, but cannot be stopped at once: a thread */

/* the world */
bool acked[DELIVERIES];
bool may_start[DELIVERIES];                  /* not started yet, or its last run was cut short or failed */
byte faults = 0; byte failures = 0; byte doubts = 0;
hidden byte d1, s1, number, kept, at;         /* each is set before it is read, within one transaction */

#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef DOUBTS
#define DOUBTS 1
#endif
#define pod(slot) ((slot) / RUNS)
#define idle(p) (work[(p) * RUNS] == NONE && work[(p) * RUNS + 1] == NONE)
#define still(slot) (work[slot] == NONE || end[slot] != RUNNING)       /* no listener runs in it */
#define quiet(p) (still((p) * RUNS) && still((p) * RUNS + 1))
#define holds(slot) (work[slot] != NONE && run_epoch[slot] == epoch)
#define reaches(p) (alive[p] && !stalled[p] && !cut[p])
#define oldest (state[0] == 1 -> 0 : (state[1] == 1 -> 1 : NONE))
#define lives ((state[0] == 1) + (state[1] == 1))

/* A number that no other claim of this process has. Only equality is ever asked, so the least one that is free will do. */
#define uses(p, n) ((owner == (p) + 1 && epoch == n) || (work[(p) * RUNS] != NONE && run_epoch[(p) * RUNS] == n) || (work[(p) * RUNS + 1] != NONE && run_epoch[(p) * RUNS + 1] == n))

inline lease_to(p) {
#ifdef BY_ROW                                /* mistake: the epoch is counted in the row, and the row goes when it is empty */
    epoch = epoch + 1;
#else
    if
    :: !uses(p, 1) -> number = 1
    :: uses(p, 1) && !uses(p, 2) -> number = 2
    :: uses(p, 1) && uses(p, 2) && !uses(p, 3) -> number = 3
    :: else -> number = 4
    fi;
    epoch = number;
#endif
    owner = p + 1; leased = true
}

inline start(slot, d) {                      /* the listener starts: the answer of the database is here */
    assert(d == 0 || state[0] == 2);                          /* order */
    s1 = 0;
    do                                                        /* never beside another run of the lane, but one whose pod stood still */
    :: s1 < SLOTS -> assert(s1 == slot || still(s1) || stalled[pod(s1)] || lingers[s1]); s1++
    :: else -> break
    od;
    assert(may_start[d]); may_start[d] = false;               /* run twice only after a run that was cut short or failed */
    work[slot] = d; run_epoch[slot] = epoch; end[slot] = RUNNING; again[slot] = false; lingers[slot] = false
}

inline leave(slot) { work[slot] = NONE; run_epoch[slot] = 0; end[slot] = RUNNING; again[slot] = false; lingers[slot] = false }
inline excuse(slot) { if :: work[slot] != NONE -> may_start[work[slot]] = true :: else fi }
inline stop(slot) { may_start[work[slot]] = true; end[slot] = STOPPED; lingers[slot] = false }
inline wake(slot) {                          /* its own clock tells that its lease ran out, before anything else runs */
    if
    :: work[slot] != NONE && end[slot] == RUNNING && (owner != pod(slot) + 1 || run_epoch[slot] != epoch || !leased) && cancels ->
        if :: stop(slot) :: lingers[slot] = true fi
    :: else
    fi
}

/* Slack: in order, to any pod, until one acknowledges; once more after that, as a retry does */
proctype Slack() {
    byte d = 0; byte sent;
    do
    :: d < DELIVERIES ->
        sent = 0;
        do
        :: sent < 2 ->
            atomic {
                if :: at = 0 :: at = 1 fi;
                if
                :: reaches(at) ->
                    if
                    :: state[d] == 0 ->
                        state[d] = 1; pending++;
                        if                                    /* takes the lease in the same commit: only of a lane that was empty */
                        :: may_take && !draining[at] && work[at * RUNS] == NONE ->
                            lease_to(at);
                            if
                            :: start(at * RUNS, d); acked[d] = true
                            :: doubts < DOUBTS -> doubts++; work[at * RUNS] = d; run_epoch[at * RUNS] = epoch; end[at * RUNS] = IN_DOUBT
                            fi
                        :: acked[d] = true
                        fi
                    :: else -> acked[d] = true                /* a duplicate */
                    fi;
                    assert(pending == lives); sent++
                :: !reaches(at) && !reaches(1 - at) -> skip     /* nobody: later */
                :: else
                fi
            }
        :: acked[d] -> break                                  /* no retry */
        :: sent == 2 -> break
        od;
        d++
    :: else -> break
    od
}

/* one place for a run in a pod */
proctype Runner(byte me) {
    byte p = pod(me);
    do
    :: atomic { work[me] == NONE && reaches(p) && !draining[p] && pending > 0 && (owner == 0 || !leased) ->    /* claim */
           assert(oldest != NONE);
           lease_to(p);
           if :: start(me, oldest) :: doubts < DOUBTS -> doubts++ fi }
    :: atomic { me % RUNS == 0 && reaches(p) && !draining[p] && owner == p + 1 && leased && unheld -> owner = 0 }   /* a claim whose answer never came is given back */
    :: atomic { work[me] != NONE && end[me] == IN_DOUBT && reaches(p) ->                                       /* accepted again, with the same epoch */
           if :: held_by_run && state[work[me]] == 1 -> leased = true; d1 = work[me]; start(me, d1) :: else -> leave(me) fi }
    :: atomic { work[me] != NONE && alive[p] && !stalled[p] && end[me] == RUNNING -> end[me] = DONE }          /* the listener returns */
    :: atomic { failures < 1 && work[me] != NONE && alive[p] && !stalled[p] && end[me] == RUNNING ->           /* the listener raises */
           failures++; may_start[work[me]] = true; end[me] = FAILED }
    :: atomic { work[me] != NONE && reaches(p) && (end[me] == DONE || end[me] == FAILED || end[me] == STOPPED) ->   /* write the end, fenced */
           d1 = work[me]; kept = false;
           if
           :: fence && end[me] == DONE ->
               assert(state[d1] == 1 || again[me]);
               if :: counts -> pending-- :: else fi;
               if :: state[d1] == 1 -> state[d1] = 2; completions[d1]++ :: else fi;
               if
               :: pending == 0 -> owner = 0; epoch = 0                                                          /* the row goes */
               :: pending > 0 -> kept = true; leased = true                                                     /* keeps the lane for its next delivery */
               :: pending > 0 -> owner = 0
               fi
           :: fence && end[me] != DONE -> owner = 0
           :: else                                                                                              /* refused: another owns it */
               if :: state[d1] == 1 -> may_start[d1] = true :: else fi
           fi;
           assert(pending == lives);
           if
           :: doubts < DOUBTS -> doubts++; again[me] = true                                                     /* no answer came: written again */
           :: kept -> d1 = oldest; start(me, d1)
           :: !kept -> leave(me)
           fi }
    :: atomic { cancels && work[me] != NONE && alive[p] && !stalled[p] && cut[p] && end[me] == RUNNING -> stop(me) }            /* cannot renew: cancelled in time */
    :: atomic { work[me] != NONE && reaches(p) && !held_by_run && end[me] == RUNNING -> excuse(me); leave(me) }                /* renewal refused: cancelled */
    :: atomic { draining[p] && alive[p] && !stalled[p] && work[me] != NONE && end[me] == RUNNING -> stop(me) }                 /* its time in the drain is over */
    :: state[0] == 2 && state[1] == 2 && work[me] == NONE -> break
    od
}

/* at most FAULTS faults, at any moment */
proctype Faults() {
    do
    :: faults < FAULTS -> atomic {
        faults++;
        if :: at = 0 :: at = 1 fi;
        if
        :: alive[at] -> alive[at] = false; stalled[at] = false; draining[at] = false; excuse(at * RUNS); leave(at * RUNS); excuse(at * RUNS + 1); leave(at * RUNS + 1)
        :: alive[at] && !stalled[at] -> stalled[at] = true; excuse(at * RUNS); excuse(at * RUNS + 1)
        :: !cut[at] -> cut[at] = true
        :: alive[at] -> draining[at] = true
        :: true
        fi }
    :: break
    od
}

/* what was broken is mended in the end, and leases run out */
proctype Repairs() {
    do
    :: atomic { !alive[0] -> alive[0] = true }
    :: atomic { !alive[1] -> alive[1] = true }
    :: atomic { stalled[0] -> stalled[0] = false; wake(0); wake(1) }
    :: atomic { stalled[1] -> stalled[1] = false; wake(2); wake(3) }
    :: atomic { cut[0] -> cut[0] = false }
    :: atomic { cut[1] -> cut[1] = false }
    :: atomic { draining[0] -> draining[0] = false }
    :: atomic { draining[1] -> draining[1] = false }
    /* a lease runs out: its owner died, stands still, holds no run, or is cut off and has cancelled (or does not cancel at all) */
    :: atomic { owner != 0 && leased && (!alive[owner - 1] || stalled[owner - 1] || idle(owner - 1) || (cut[owner - 1] && (quiet(owner - 1) || !cancels))) ->
           leased = false; at = owner - 1;
           if :: quiet(at) -> excuse(at * RUNS); excuse(at * RUNS + 1) :: else fi }
    :: state[0] == 2 && state[1] == 2 -> break
    od
}

init {
    byte i = 0;
    atomic {
        do :: i < SLOTS -> work[i] = NONE; i++ :: else -> break od;
        alive[0] = true; alive[1] = true; may_start[0] = true; may_start[1] = true;
        run Slack(); run Faults(); run Repairs();
        run Runner(0); run Runner(1); run Runner(2); run Runner(3)
    }
}

ltl nothing_lost { [] (acked[0] -> <> (state[0] == 2)) && [] (acked[1] -> <> (state[1] == 2)) }
ltl once { [] (completions[0] <= 1 && completions[1] <= 1) }
