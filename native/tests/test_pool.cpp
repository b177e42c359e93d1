// The thread pool, compiled in: every index runs exactly once and is done when parallel returns, whatever number of
// callers, whatever happens to the size meanwhile; a slot is never used by two threads at once; never more threads
// compute than allowed.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "core/pool.cpp"

namespace {

constexpr int kCallers = 6;
std::atomic<int> failures{0};
std::atomic<bool> stop{false};
std::atomic<int> computing{0};
std::atomic<int> most_computing{0};
std::atomic<int64_t> helped{0};  // tasks that another thread than the caller did

void fail(const char* what) {
  if (failures.fetch_add(1) < 10) printf("FAILED %s\n", what);
}

void one_job(const jc_context* context, int64_t width, int64_t tasks, int work) {
  std::vector<int> runs(static_cast<size_t>(tasks), 0);  // not atomic: each belongs to one index
  std::atomic<int> in_slot[16] = {};
  pthread_t self = pthread_self();
  jc::parallel(context, width, tasks, [&](int64_t index, int64_t slot) {
    if (slot < 0 || slot >= std::max<int64_t>(width, 1) || slot >= 16) return fail("slot out of range");
    if (in_slot[slot].fetch_add(1) != 0) fail("two threads in one slot");
    int now = computing.fetch_add(1) + 1;
    int most = most_computing.load();
    while (now > most && !most_computing.compare_exchange_weak(most, now)) {
    }
    for (int i = 0; i < work; ++i) asm volatile("" ::: "memory");
    ++runs[static_cast<size_t>(index)];
    if (!pthread_equal(self, pthread_self())) helped.fetch_add(1);
    computing.fetch_sub(1);
    in_slot[slot].fetch_sub(1);
  });
  for (int count : runs) {
    if (count != 1) fail("an index did not run exactly once");
  }
}

void* caller(void* number) {
  unsigned seed = static_cast<unsigned>(reinterpret_cast<uintptr_t>(number)) * 7919u + 1;
  jc_context context = {};
  for (int round = 0; round < 1500; ++round) {
    context.threads = rand_r(&seed) % 9;
    jc::Turn turn;
    for (int calls = rand_r(&seed) % 3; calls >= 0; --calls) {
      one_job(&context, rand_r(&seed) % 10, rand_r(&seed) % 60, rand_r(&seed) % 300);
    }
  }
  return nullptr;
}

void* resizer(void*) {
  unsigned seed = 5;
  while (!stop.load()) {
    jc_threads(1 + rand_r(&seed) % 8);
    timespec pause = {0, 200000};
    nanosleep(&pause, nullptr);
  }
  return nullptr;
}

void callers(const char* what, bool resize) {
  pthread_t thread[kCallers], changing;
  stop = false;
  most_computing = 0;
  helped = 0;
  if (resize) pthread_create(&changing, nullptr, resizer, nullptr);
  for (uintptr_t i = 0; i < kCallers; ++i) pthread_create(&thread[i], nullptr, caller, reinterpret_cast<void*>(i));
  for (pthread_t t : thread) pthread_join(t, nullptr);
  stop = true;
  if (resize) pthread_join(changing, nullptr);
  printf("%s: at most %d threads computed at once, helpers did %ld tasks\n", what, most_computing.load(),
         static_cast<long>(helped.load()));
}

}  // namespace

int main() {
  jc_context context = {};
  if (jc_threads(0) != 1) fail("the size before it is set is not 1");
  one_job(&context, 4, 100, 10);  // no workers yet
  if (jc_threads(3) != 3) fail("jc_threads does not return the size");
  if (jc::parallel_width(&context) != 3) fail("width is not the pool's size");
  context.threads = 2;
  if (jc::parallel_width(&context) != 2) fail("width is not context->threads");
  context.threads = 7;
  if (jc::parallel_width(&context) != 3) fail("width is more than the pool");
  context.threads = 0;
  one_job(&context, 3, 0, 0);

  helped = 0;
  for (int i = 0; i < 200; ++i) one_job(&context, 3, 50, 20000);
  if (helped.load() == 0) fail("no worker ever helped");

  callers("three threads", false);
  if (most_computing.load() > 3) fail("more threads computed at once than the pool allows");
  callers("changing sizes", true);
  if (most_computing.load() > 8 + kCallers) fail("more threads than ever allowed");
  jc_threads(1);
  callers("one thread", false);
  if (most_computing.load() > 1) fail("more than one thread computed at once");
  if (failures.load() == 0) printf("the pool keeps its promises\n");
  return failures.load() == 0 ? 0 : 1;
}
