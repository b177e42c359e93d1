// The process-wide thread pool. Callers compute on their own thread; idle workers help. Never more than jc_threads()
// threads of all callers together compute at once: a caller beyond that waits for its turn, and a worker helps only
// while no caller waits.
#pragma once

#include "core/op.h"

namespace jc {

// Threads that one call under this context may use (>= 1); also the number of slots that parallel_for hands out.
int64_t parallel_width(const jc_context* context);

// body(closure, index, slot) for every index in [0, tasks), each exactly once, on at most `width` threads; returns when
// all are done. slot < width is the thread's number within this call: index for per-thread scratch memory. Which thread
// runs which index is not fixed, so a body must write only what belongs to its index (and scratch of its slot).
using Body = void (*)(void* closure, int64_t index, int64_t slot);
void parallel_for(const jc_context* context, int64_t width, int64_t tasks, void* closure, Body body);

template <class F>
void parallel(const jc_context* context, int64_t width, int64_t tasks, F&& f) {
  parallel_for(context, width, tasks, const_cast<void*>(static_cast<const void*>(&f)),
               [](void* closure, int64_t index, int64_t slot) { (*static_cast<F*>(closure))(index, slot); });
}

// Turn of a caller: taken by jc_run for its whole duration. An operator called directly goes without: its caller is not
// counted.
class Turn {
 public:
  Turn();
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
};

}  // namespace jc
