// Times attention and LayerNorm on one thread as shares of this machine's ceilings, measured in turns with them: the
// machine may be shared, so each figure is a median of ratios of neighbouring measurements.
//   attention   FLOPs of the two products (4 q kv d per head; causal: the seen pairs only) against independent FMA chains
//   layer_norm  bytes in and out once, against a copy of as many bytes of the same memory; and against the bare loads
//               and stores of its three passes (read, read, copy; a row is short, so it stays in L1)
// Arguments: attention | layer_norm, and the first instruction set (1, 2).
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "jclip.h"

namespace {

const char* const kNames[] = {"ref", "avx2", "avx512"};

double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);  // other work on the machine does not count
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

constexpr int64_t kChains = 20000;
volatile float sink;

#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma")
double fma_flops_avx512() {
  __m512 t[12];
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) t[i] = _mm512_set1_ps(0.5f);
  __m512 a = _mm512_set1_ps(0.999f);
  double start = now();
  for (int64_t n = 0; n < kChains; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) {
      t[i] = _mm512_fmadd_ps(t[i], a, a);
      asm volatile("" : "+v"(t[i]));
    }
  }
  double seconds = now() - start;
#pragma GCC unroll 12
  for (int i = 1; i < 12; ++i) t[0] = _mm512_add_ps(t[0], t[i]);
  sink = _mm512_cvtss_f32(t[0]);
  return 12.0 * 32 * kChains / seconds;
}
double fma_flops_avx2() {
  __m256 t[12];
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) t[i] = _mm256_set1_ps(0.5f);
  __m256 a = _mm256_set1_ps(0.999f);
  double start = now();
  for (int64_t n = 0; n < kChains; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) {
      t[i] = _mm256_fmadd_ps(t[i], a, a);
      asm volatile("" : "+x"(t[i]));
    }
  }
  double seconds = now() - start;
#pragma GCC unroll 12
  for (int i = 1; i < 12; ++i) t[0] = _mm256_add_ps(t[0], t[i]);
  sink = _mm256_cvtss_f32(t[0]);
  return 12.0 * 16 * kChains / seconds;
}
void read_avx512(const float* from, int64_t n) {
  for (int64_t i = 0; i < n; i += 32) {
    __m512 a = _mm512_loadu_ps(from + i), b = _mm512_loadu_ps(from + i + 16);
    asm volatile("" ::"v"(a), "v"(b));
  }
}
void copy_avx512(const float* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i += 32) {
    __m512 a = _mm512_loadu_ps(from + i), b = _mm512_loadu_ps(from + i + 16);
    _mm512_storeu_ps(to + i, a);
    _mm512_storeu_ps(to + i + 16, b);
  }
}
void read_avx2(const float* from, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    __m256 a = _mm256_loadu_ps(from + i), b = _mm256_loadu_ps(from + i + 8);
    asm volatile("" ::"x"(a), "x"(b));
  }
}
void copy_avx2(const float* from, float* to, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    __m256 a = _mm256_loadu_ps(from + i), b = _mm256_loadu_ps(from + i + 8);
    _mm256_storeu_ps(to + i, a);
    _mm256_storeu_ps(to + i + 8, b);
  }
}
#pragma GCC pop_options

struct Figure {
  double rate;       // of the operator, median
  double share;      // of the ceiling, median of neighbours
  double low, high;  // quartiles of the share
};

Figure measure(const std::function<double()>& ceiling, double work, const std::function<void()>& run) {
  std::vector<double> rates, shares;
  run();
  double start = now();
  run();
  int64_t repeats = std::max<int64_t>(1, static_cast<int64_t>(5e-4 / (now() - start)));
  for (int round = 0; round < 41; ++round) {
    double before = ceiling();
    start = now();
    for (int64_t i = 0; i < repeats; ++i) run();
    double rate = work * static_cast<double>(repeats) / (now() - start);
    double after = ceiling();
    rates.push_back(rate);
    shares.push_back(rate / std::max(before, after));
  }
  std::sort(rates.begin(), rates.end());
  std::sort(shares.begin(), shares.end());
  return {rates[20], shares[20], shares[10], shares[30]};
}

float* floats(int64_t n) {
  float* p = static_cast<float*>(aligned_alloc(64, static_cast<size_t>(n * 4 + 63) / 64 * 64));
  for (int64_t i = 0; i < n; ++i) p[i] = static_cast<float>(i * 2654435761u % 1000) * 1e-3f - 0.5f;
  return p;
}

void time_attention(jc_context* context, int64_t batch, int64_t tokens, int64_t heads, int64_t head_dim, bool causal,
                    int64_t queries) {
  int64_t width = heads * head_dim;
  float* qkv = floats(batch * tokens * 3 * width);
  float* y = floats(batch * queries * width);
  jc_attention_args a = {};
  a.q = qkv, a.k = qkv + width, a.v = qkv + 2 * width, a.y = y;
  a.sequences = batch, a.q_tokens = queries, a.kv_tokens = tokens, a.rows = batch * queries, a.heads = heads,
  a.head_dim = head_dim;
  a.ldq = a.ldk = a.ldv = 3 * width, a.ldy = width;
  a.causal = causal, a.scale = 0.125;
  a.workspace_bytes = jc_attention_workspace(context, &a);
  a.workspace = aligned_alloc(64, static_cast<size_t>(a.workspace_bytes));
  double pairs = causal ? 0.5 * static_cast<double>(queries * (queries + 1)) : static_cast<double>(queries * tokens);
  double flops = 4.0 * pairs * static_cast<double>(head_dim * heads * batch);
  Figure f = measure(context->isa == JC_AVX512 ? fma_flops_avx512 : fma_flops_avx2, flops, [&] {
    if (jc_attention(context, &a) != JC_OK) abort();
  });
  printf("attention %-6s B=%-2ld N=%-3ld H=%-2ld D=%-3ld q=%-3ld %-6s %7.1f GFLOP/s  share %.2f  [%.2f, %.2f]\n",
         kNames[context->isa], batch, tokens, heads, head_dim, queries, causal ? "causal" : "full", f.rate * 1e-9,
         f.share, f.low, f.high);
  free(qkv), free(y), free(a.workspace);
}

void time_layer_norm(jc_context* context, int64_t rows, int64_t width, bool residual) {
  int64_t n = rows * width;
  float *x = floats(n), *other = floats(n), *sum = floats(n), *y = floats(n), *weight = floats(width),
        *bias = floats(width);
  jc_layer_norm_args a = {};
  a.x = x, a.weight = weight, a.bias = bias, a.y = y, a.rows = rows, a.width = width, a.epsilon = 1e-5;
  if (residual) a.residual = other, a.sum = sum;
  auto copy = context->isa == JC_AVX512 ? copy_avx512 : copy_avx2;
  auto read = context->isa == JC_AVX512 ? read_avx512 : read_avx2;
  double bytes = 8.0 * static_cast<double>(n) * (residual ? 2 : 1);
  auto ceiling = [&](bool passes) {
    int64_t repeats = std::max<int64_t>(1, 2000000 / n);
    double start = now();
    for (int64_t i = 0; i < repeats; ++i) {
      for (int64_t row = 0; row < rows; ++row) {
        if (passes) read(x + row * width, width), read(x + row * width, width);
        copy(x + row * width, y + row * width, width);
        if (residual) copy(other + row * width, sum + row * width, width);
      }
    }
    return bytes * static_cast<double>(repeats) / (now() - start);
  };
  auto op = [&] {
    if (jc_layer_norm(context, &a) != JC_OK) abort();
  };
  Figure f = measure([&] { return ceiling(false); }, bytes, op);
  Figure passes = measure([&] { return ceiling(true); }, bytes, op);
  printf(
      "layer_norm %-6s rows=%-5ld width=%-4ld %-8s %7.1f GB/s  share of copy %.2f  [%.2f, %.2f]  of its loads and "
      "stores %.2f  [%.2f, %.2f]\n",
      kNames[context->isa], rows, width, residual ? "residual" : "plain", f.rate * 1e-9, f.share, f.low, f.high,
      passes.share, passes.low, passes.high);
  free(x), free(other), free(sum), free(y), free(weight), free(bias);
}

}  // namespace

int main(int argc, char** argv) {
  jc_threads(1);
  jc_context context = {};
  bool attention = argc < 2 || strcmp(argv[1], "attention") == 0,
       layer_norm = argc < 2 || strcmp(argv[1], "layer_norm") == 0;
  for (context.isa = argc > 2 ? atoi(argv[2]) : JC_AVX2; context.isa <= jc_isa(); ++context.isa) {
    printf("%s: %.1f GFLOP/s of independent FMA chains, one thread\n", kNames[context.isa],
           1e-9 * (context.isa == JC_AVX512 ? fma_flops_avx512() : fma_flops_avx2()));
    if (attention) {
      time_attention(&context, 1, 50, 12, 64, false, 50);
      time_attention(&context, 8, 50, 12, 64, false, 50);
      time_attention(&context, 1, 77, 8, 64, true, 77);
      time_attention(&context, 1, 77, 8, 64, false, 77);
      time_attention(&context, 1, 197, 12, 64, false, 197);
      time_attention(&context, 1, 257, 16, 64, false, 257);
      time_attention(&context, 1, 577, 16, 64, false, 577);
      time_attention(&context, 1, 257, 16, 80, false, 257);
      time_attention(&context, 1, 50, 12, 64, false, 1);
    }
    if (!layer_norm) continue;
    time_layer_norm(&context, 8, 768, false);
    time_layer_norm(&context, 50, 768, false);
    time_layer_norm(&context, 50, 768, true);
    time_layer_norm(&context, 1600, 768, false);
    time_layer_norm(&context, 16000, 768, false);
    time_layer_norm(&context, 16000, 768, true);
    time_layer_norm(&context, 257, 1024, false);
  }
  return 0;
}
