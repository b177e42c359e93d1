// Times the contrastive loss and its gradient against the machine's multiply-add ceiling, measured in turns with them, and against a version
// that keeps the matrix of all pairs: the same products by jc_gemm, softmaxes over rows and columns in place, its transpose in a second one.
// usage: jclip_time_contrastive_loss [threads] [rows, or 0 for 1024, 4096 and 8192] [rounds]
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "jclip.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")
#include "simd/vec_avx512.h"

namespace {

using V = jc::avx512::Vec;

double clock_seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

volatile float sink;
jc_context context;

// GFLOP/s of multiply-adds alone: one thread's, in its own time, times the threads.
double ceiling() {
  double start = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
  __m512 acc[14], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
  for (auto& a : acc) a = x;
  constexpr int64_t kTurns = 200000;
  for (int64_t i = 0; i < kTurns; ++i) {
#pragma GCC unroll 14
    for (int j = 0; j < 14; ++j) acc[j] = _mm512_fmadd_ps(acc[j], x, y);
    asm volatile("" : "+v"(x));
  }
  __m512 sum = acc[0];
  for (int j = 1; j < 14; ++j) sum = _mm512_add_ps(sum, acc[j]);
  sink = _mm512_cvtss_f32(sum);
  return 14 * 32e-9 * kTurns * static_cast<double>(context.threads) / (clock_seconds(CLOCK_THREAD_CPUTIME_ID) - start);
}

float* buffer(int64_t count) {
  return static_cast<float*>(aligned_alloc(64, static_cast<size_t>((count * 4 + 127) / 64 * 64)));
}

void check(int32_t status) {
  if (status != JC_OK) {
    fprintf(stderr, "%s\n", context.message);
    exit(1);
  }
}

// f(first, last) of [0, n) on the threads.
struct Part {
  const std::function<void(int64_t, int64_t)>* f;
  int64_t first, last;
};
void split(int64_t n, const std::function<void(int64_t, int64_t)>& f) {
  std::vector<pthread_t> threads(context.threads);
  std::vector<Part> parts;
  for (int64_t t = 0; t < context.threads; ++t)
    parts.push_back({&f, n * t / context.threads / 16 * 16,
                     t + 1 == context.threads ? n : n * (t + 1) / context.threads / 16 * 16});
  for (size_t t = 0; t < parts.size(); ++t) {
    pthread_create(
        &threads[t], nullptr,
        [](void* p) -> void* {
          const Part& part = *static_cast<Part*>(p);
          (*part.f)(part.first, part.last);
          return nullptr;
        },
        &parts[t]);
  }
  for (pthread_t t : threads) pthread_join(t, nullptr);
}

struct Loss {
  int64_t n, d;
  float *image, *text, *statistics, *d_image, *d_text;
  float log_scale = 2.659f, loss = 0, d_log_scale = 0;

  Loss(int64_t rows, int64_t width) : n(rows), d(width) {
    image = buffer(n * d), text = buffer(n * d), d_image = buffer(n * d), d_text = buffer(n * d),
    statistics = buffer(5 * n);
    uint32_t state = 1;
    for (float* x : {image, text}) {
      for (int64_t i = 0; i < n; ++i) {
        double squares = 0;
        for (int64_t c = 0; c < d; ++c) {
          state = state * 1664525u + 1013904223u;
          float v =
              static_cast<float>(static_cast<int32_t>(state)) * 4.6e-10f + (x == text ? 0.3f * image[i * d + c] : 0);
          x[i * d + c] = v;
          squares += v * v;
        }
        for (int64_t c = 0; c < d; ++c) x[i * d + c] /= static_cast<float>(std::sqrt(squares));
      }
    }
  }
  ~Loss() {
    for (float* p : {image, text, d_image, d_text, statistics}) free(p);
  }

  double forward(int64_t kind) {
    jc_contrastive_loss_args a{image, text, &log_scale, nullptr, &loss, statistics, nullptr, 0, n, d, kind};
    a.workspace_bytes = jc_contrastive_loss_workspace(&context, &a);
    a.workspace = buffer(a.workspace_bytes / 4);
    double start = clock_seconds(CLOCK_MONOTONIC);
    check(jc_contrastive_loss(&context, &a));
    start = clock_seconds(CLOCK_MONOTONIC) - start;
    free(a.workspace);
    return start;
  }
  double backward(int64_t kind) {
    jc_contrastive_loss_gradient_args a{};
    a.image = image, a.text = text, a.log_scale = &log_scale, a.statistics = statistics, a.d_image = d_image,
    a.d_text = d_text;
    a.d_log_scale = &d_log_scale, a.rows = n, a.width = d, a.kind = kind, a.upstream = 1;
    a.workspace_bytes = jc_contrastive_loss_gradient_workspace(&context, &a);
    a.workspace = buffer(a.workspace_bytes / 4);
    double start = clock_seconds(CLOCK_MONOTONIC);
    check(jc_contrastive_loss_gradient(&context, &a));
    start = clock_seconds(CLOCK_MONOTONIC) - start;
    free(a.workspace);
    return start;
  }
};

// y [rows, n] = a [rows, k] times the matrix whose element (n, k) is w[n stride_n + k stride_k].
void product(const float* a, const float* w, float* y, int64_t rows, int64_t n, int64_t k, int64_t stride_n,
             int64_t stride_k) {
  void* packed = buffer(jc_gemm_packed_bytes(&context, n, k) / 4);
  jc_gemm_pack_args pack{w, packed, n, k, stride_n, stride_k, JC_F32};
  check(jc_gemm_pack(&context, &pack));
  jc_gemm_args g{};
  g.a = a, g.packed = packed, g.y = y, g.rows = rows, g.n = n, g.k = k, g.lda = k, g.ldy = n;
  g.workspace_bytes = jc_gemm_workspace(&context, &g);
  g.workspace = buffer(g.workspace_bytes / 4);
  check(jc_gemm(&context, &g));
  free(g.workspace);
  free(packed);
}

// The softmax loss and its gradient with the matrix of all pairs; n a multiple of 16. Returns seconds.
double materialised(Loss* l, double* value) {
  int64_t n = l->n, d = l->d;
  float *z = buffer(n * n), *transposed = buffer(n * n), *scaled = buffer(n * d), *sums = buffer(2 * n);
  float scale = std::exp(l->log_scale);
  double start = clock_seconds(CLOCK_MONOTONIC);
  for (int64_t i = 0; i < n * d; ++i) scaled[i] = scale * l->image[i];
  product(scaled, l->text, z, n, n, d, d, 1);
  split(n, [=](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      __m512 most = V::set(-1e38f), sum = V::zero();
      for (int64_t j = 0; j < n; j += 16) most = V::max(most, V::load(z + i * n + j));
      float shift = V::largest(most);
      for (int64_t j = 0; j < n; j += 16) sum = V::add(sum, V::exp(V::sub(V::load(z + i * n + j), V::set(shift))));
      sums[i] = shift + std::log(V::sum(sum));
    }
    for (int64_t j = first; j < last; j += 16) {
      __m512 most = V::set(-1e38f), sum = V::zero();
      for (int64_t i = 0; i < n; ++i) most = V::max(most, V::load(z + i * n + j));
      for (int64_t i = 0; i < n; ++i) sum = V::add(sum, V::exp(V::sub(V::load(z + i * n + j), most)));
      float part[16], shift[16];
      V::store(part, sum);
      V::store(shift, most);
      for (int k = 0; k < 16; ++k) sums[n + j + k] = shift[k] + std::log(part[k]);
    }
  });
  double loss = 0;
  for (int64_t i = 0; i < n; ++i) loss += 0.5 * (sums[i] + sums[n + i]) - z[i * n + i];
  *value = loss / static_cast<double>(n);
  float factor = scale / static_cast<float>(2 * n);
  split(n, [=](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      for (int64_t j = 0; j < n; j += 16) {
        __m512 x = V::load(z + i * n + j);
        __m512 p = V::add(V::exp(V::sub(x, V::set(sums[i]))), V::exp(V::sub(x, V::load(sums + n + j))));
        V::store(z + i * n + j, V::mul(p, V::set(factor)));
      }
      z[i * n + i] -= 2 * factor;
    }
  });
  split(n, [=](int64_t first, int64_t last) {
    for (int64_t j = first; j < last; j += 16) {
      for (int64_t i = 0; i < n; i += 16) V::transpose(z + i * n + j, n, 16, 16, transposed + j * n + i, n);
    }
  });
  product(z, l->text, l->d_image, n, d, n, 1, d);
  product(transposed, l->image, l->d_text, n, d, n, 1, d);
  start = clock_seconds(CLOCK_MONOTONIC) - start;
  for (float* p : {z, transposed, scaled, sums}) free(p);
  return start;
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}
double least(const std::vector<double>& v) { return *std::min_element(v.begin(), v.end()); }

void report(int64_t rows, int64_t width, int64_t rounds) {
  Loss l(rows, width);
  double flops = 2e-9 * static_cast<double>(rows * rows * width), value = 0;
  std::vector<double> forward[2], backward[2], whole, ceilings, ratios;
  for (int64_t r = 0; r < rounds; ++r) {
    ceilings.push_back(ceiling());
    for (int64_t kind : {JC_SIGMOID_LOSS, JC_SOFTMAX_LOSS}) {
      forward[kind].push_back(l.forward(kind));
      backward[kind].push_back(l.backward(kind));
    }
    whole.push_back(materialised(&l, &value));
    ratios.push_back(whole.back() / (forward[0].back() + backward[0].back()));
  }
  if (std::fabs(value - l.loss) > 1e-4) printf("the losses differ: %f, %f\n", value, static_cast<double>(l.loss));
  double most = *std::max_element(ceilings.begin(), ceilings.end());
  const char* names[] = {"softmax", "sigmoid"};
  for (int64_t kind : {JC_SOFTMAX_LOSS, JC_SIGMOID_LOSS}) {
    printf(
        "%5ld x %ld %s: forward %.1f ms (least %.1f, %.1f %% of the ceiling), backward %.1f ms (least %.1f, %.1f %%)\n",
        rows, width, names[kind], 1e3 * median(forward[kind]), 1e3 * least(forward[kind]),
        100 * flops / least(forward[kind]) / most, 1e3 * median(backward[kind]), 1e3 * least(backward[kind]),
        300 * flops / least(backward[kind]) / most);
  }
  printf("%5ld x %ld materialised: %.1f ms (least %.1f), %.2f times ours (least by least %.2f)\n", rows, width,
         1e3 * median(whole), 1e3 * least(whole), median(ratios),
         least(whole) / (least(forward[0]) + least(backward[0])));
  fflush(stdout);
}

}  // namespace
#pragma GCC pop_options

int main(int count, char** words) {
  if (jc_isa() != JC_AVX512) {
    printf("the materialised version needs AVX-512\n");
    return 0;
  }
  context.isa = JC_AVX512;
  context.threads = count > 1 ? atol(words[1]) : 2;
  jc_threads(context.threads);
  int64_t rows = count > 2 ? atol(words[2]) : 0, rounds = count > 3 ? atol(words[3]) : 5;
  printf("%ld thread(s), ceiling %.1f GFLOP/s together\n", context.threads, ceiling());
  for (int64_t n : {1024, 4096, 8192}) {
    if (rows == 0 || rows == n) report(n, 512, rounds);
  }
  if (rows != 0 && rows != 1024 && rows != 4096 && rows != 8192) report(rows, 512, rounds);
  return 0;
}
