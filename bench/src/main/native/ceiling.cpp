// What this machine can do at most, measured: independent multiply-adds in registers, and copies of memory. Nothing of the library is
// used, so that its kernels can be held against it.
#include <immintrin.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define BENCH_PUBLIC extern "C" __attribute__((visibility("default")))

namespace {

enum { AVX2 = 1, AVX512 = 2 };
constexpr int kMaxThreads = 64;

int64_t now(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return int64_t{t.tv_sec} * 1000000000 + t.tv_nsec;
}

// 12 chains: two units with a latency of four cycles need eight, of five ten. In assembly, since a compiler may keep the accumulators
// in memory, and then it is not a ceiling.
#define FMA(acc) "vfmadd231ps %[x], %[y], %%" acc "\n\t"
#define CHAINS(v)                                                                                                               \
  FMA(v "0") FMA(v "1") FMA(v "2") FMA(v "3") FMA(v "4") FMA(v "5") FMA(v "6") FMA(v "7") FMA(v "8") FMA(v "9") FMA(v "10") FMA(v "11")
#define LOOP(v) "1:\n\t" CHAINS(v) CHAINS(v) "dec %[n]\n\tjnz 1b\n\t"
#define CLOBBERED \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "cc"
constexpr int64_t kFmasPerRound = 24;

__attribute__((target("avx512f"))) void fma512(int64_t rounds) {
  __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
  asm volatile(LOOP("zmm") : [n] "+r"(rounds) : [x] "v"(x), [y] "v"(y) : CLOBBERED);
}

__attribute__((target("avx2,fma"))) void fma256(int64_t rounds) {
  __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
  asm volatile(LOOP("ymm") : [n] "+r"(rounds) : [x] "x"(x), [y] "x"(y) : CLOBBERED);
}

__attribute__((target("avx512f"))) void copy512(const float* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i += 32) {
    __m512 a = _mm512_loadu_ps(from + i), b = _mm512_loadu_ps(from + i + 16);
    _mm512_storeu_ps(to + i, a);
    _mm512_storeu_ps(to + i + 16, b);
  }
}

__attribute__((target("avx2"))) void copy256(const float* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i += 32) {
    __m256 a = _mm256_loadu_ps(from + i), b = _mm256_loadu_ps(from + i + 8);
    __m256 c = _mm256_loadu_ps(from + i + 16), d = _mm256_loadu_ps(from + i + 24);
    _mm256_storeu_ps(to + i, a);
    _mm256_storeu_ps(to + i + 8, b);
    _mm256_storeu_ps(to + i + 16, c);
    _mm256_storeu_ps(to + i + 24, d);
  }
}

struct Task {
  int64_t isa;
  int64_t rounds;
  const float* from;  // null: multiply-adds
  float* to;
  int64_t n;
};

void* work(void* closure) {
  const Task& t = *static_cast<const Task*>(closure);
  if (t.from == nullptr) {
    t.isa == AVX512 ? fma512(t.rounds) : fma256(t.rounds);
  } else {
    for (int64_t i = 0; i < t.rounds; ++i) t.isa == AVX512 ? copy512(t.from, t.to, t.n) : copy256(t.from, t.to, t.n);
  }
  return nullptr;
}

// Nanoseconds of all tasks at the same time, the first on the calling thread.
int64_t run(Task* tasks, int64_t threads, int64_t own_clock) {
  clockid_t clock = own_clock ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
  pthread_t others[kMaxThreads];
  int64_t start = now(clock);
  int64_t made = 1;
  while (made < threads && pthread_create(&others[made], nullptr, work, &tasks[made]) == 0) ++made;
  work(&tasks[0]);
  for (int64_t i = 1; i < made; ++i) pthread_join(others[i], nullptr);
  return made == threads ? now(clock) - start : -1;
}

}  // namespace

// The calling thread's own time (own = 1: what other programs do then does not count) or the wall clock, in nanoseconds.
BENCH_PUBLIC int64_t bench_now(int64_t own) { return now(own ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC); }

// Floating-point operations of one round of bench_fma on one thread.
BENCH_PUBLIC int64_t bench_fma_flops(int64_t isa) { return kFmasPerRound * (isa == AVX512 ? 16 : 8) * 2; }

// Nanoseconds of `rounds` rounds on each of `threads` threads at once; -1: that many threads could not be started.
BENCH_PUBLIC int64_t bench_fma(int64_t isa, int64_t rounds, int64_t threads, int64_t own) {
  Task tasks[kMaxThreads];
  if (rounds < 1 || threads < 1 || threads > kMaxThreads) return -1;
  for (int64_t i = 0; i < threads; ++i) tasks[i] = {isa, rounds, nullptr, nullptr, 0};
  return run(tasks, threads, own);
}

// Nanoseconds of copying n floats `rounds` times, each thread an equal part of them; n is a multiple of 32 threads.
BENCH_PUBLIC int64_t bench_copy(int64_t isa, const float* from, float* to, int64_t n, int64_t rounds, int64_t threads, int64_t own) {
  Task tasks[kMaxThreads];
  if (threads < 1 || threads > kMaxThreads || n % (32 * threads) != 0) return -1;
  int64_t part = n / threads;
  for (int64_t i = 0; i < threads; ++i) tasks[i] = {isa, rounds, from + i * part, to + i * part, part};
  return run(tasks, threads, own);
}
