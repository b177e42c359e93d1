// Times the products of the towers against the machine's multiply-add ceiling, measured in turns with them.
// usage: jclip_time_gemm [threads] [part of a line's name]
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <vector>

#include "jclip.h"

namespace {

double clock_seconds(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

bool one_thread = true;

// One thread's own time, so that neighbours on a busy machine count less; wall time for several.
double seconds() { return clock_seconds(one_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC); }

__attribute__((target("avx512f"))) float spin512(int64_t n) {
  __m512 acc[14], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
  for (auto& a : acc) a = x;
  for (int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 14
    for (int j = 0; j < 14; ++j) acc[j] = _mm512_fmadd_ps(acc[j], x, y);
    asm volatile("" : "+v"(x));
  }
  __m512 sum = acc[0];
  for (int j = 1; j < 14; ++j) sum = _mm512_add_ps(sum, acc[j]);
  return _mm512_cvtss_f32(sum);
}

__attribute__((target("avx2,fma"))) float spin256(int64_t n) {
  __m256 acc[12], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
  for (auto& a : acc) a = x;
  for (int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 12
    for (int j = 0; j < 12; ++j) acc[j] = _mm256_fmadd_ps(acc[j], x, y);
    asm volatile("" : "+x"(x));
  }
  __m256 sum = acc[0];
  for (int j = 1; j < 12; ++j) sum = _mm256_add_ps(sum, acc[j]);
  return _mm256_cvtss_f32(sum);
}

volatile float sink;
jc_context context;
int64_t isa;

// GFLOP/s of multiply-adds alone: one thread's, in its own time, times context.threads.
double ceiling_once() {
  double t = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
  sink = isa == JC_AVX512 ? spin512(50000) : spin256(50000);
  t = clock_seconds(CLOCK_THREAD_CPUTIME_ID) - t;
  return (isa == JC_AVX512 ? 14 * 32.0 : 12 * 16.0) * 50000 * static_cast<double>(context.threads) / t * 1e-9;
}

double quantile(std::vector<double> v, double part) {
  std::sort(v.begin(), v.end());
  return v[static_cast<size_t>(part * static_cast<double>(v.size()))];
}

double median(const std::vector<double>& v) { return quantile(v, 0.5); }

float* buffer(int64_t count) {
  float* p = static_cast<float*>(aligned_alloc(64, static_cast<size_t>((count * 4 + 63) / 64 * 64 + 64)));
  uint32_t state = 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    p[i] = static_cast<float>(static_cast<int32_t>(state)) * 4.6e-10f;
  }
  return p;
}

const char* filter = "";

void check(int32_t status) {
  if (status != JC_OK) {
    fprintf(stderr, "%s\n", context.message);
    exit(1);
  }
}

void report(const char* name, double flops, const std::vector<jc_call>& calls) {
  auto run = [&] { check(jc_run(&context, calls.data(), static_cast<int64_t>(calls.size()), nullptr)); };
  flops *= static_cast<double>(calls.size());
  run();
  std::vector<double> shares, rates, ceilings;
  double once = seconds();
  run();
  once = seconds() - once;
  int64_t repeat = std::max<int64_t>(1, static_cast<int64_t>(0.002 / once));
  // Of several threads only such samples count in which none was put to sleep by a neighbour: the processors' time says so.
  int tries = 0;
  for (; tries < 400 && rates.size() < 41; ++tries) {
    double before = ceiling_once();
    double wall = clock_seconds(CLOCK_MONOTONIC), busy = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    double t = seconds();
    for (int64_t r = 0; r < repeat; ++r) run();
    t = (seconds() - t) / static_cast<double>(repeat);
    wall = clock_seconds(CLOCK_MONOTONIC) - wall, busy = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - busy;
    if (!one_thread && busy < 0.85 * wall * static_cast<double>(context.threads)) continue;
    double ceiling = 0.5 * (before + ceiling_once());
    ceilings.push_back(before);
    rates.push_back(flops / t * 1e-9);
    shares.push_back(flops / t * 1e-9 / ceiling);
  }
  if (rates.empty()) {
    printf("%-34s the machine is too busy\n", name);
    return;
  }
  // The ninth decile of each: what the code does while the neighbours are quiet.
  printf("%-34s %8.1f GFLOP/s  %5.1f %% of the ceiling beside it; quiet %5.1f %% (%zu of %d)\n", name, median(rates),
         100 * median(shares), 100 * quantile(rates, 0.9) / quantile(ceilings, 0.9), rates.size(), tries);
  fflush(stdout);
}

// cold: the weights come from memory, as in a tower, whose weights no cache holds; otherwise from a cache.
void time_gemm(int64_t m, int64_t n, int64_t k, int64_t activation = JC_IDENTITY, bool cold = false) {
  char name[64];
  snprintf(name, sizeof name, "gemm %ldx%ldx%ld act %ld%s", m, n, k, activation, cold ? " cold" : "");
  if (strstr(name, filter) == nullptr) return;
  float *w = buffer(n * k), *a = buffer(m * k), *y = buffer(m * n), *bias = buffer(n);
  int64_t packed_bytes = jc_gemm_packed_bytes(&context, n, k);
  std::vector<jc_gemm_args> layers(static_cast<size_t>(cold ? (int64_t{192} << 20) / packed_bytes : 1));
  std::vector<jc_call> calls;
  for (jc_gemm_args& args : layers) {
    args = {};
    args.packed = buffer(packed_bytes / 4);
    jc_gemm_pack_args pack{w, const_cast<void*>(args.packed), n, k, k, 1, JC_F32};
    check(jc_gemm_pack(&context, &pack));
    args.a = a, args.bias = bias, args.y = y;
    args.rows = m, args.n = n, args.k = k, args.lda = k, args.ldy = n, args.activation = activation;
    args.workspace_bytes = jc_gemm_workspace(&context, &args);
    args.workspace = &args == &layers[0] ? buffer(args.workspace_bytes / 4) : layers[0].workspace;
    calls.push_back({reinterpret_cast<jc_operator>(jc_gemm), &args});
  }
  report(name, 2.0 * static_cast<double>(m * n * k), calls);
  for (jc_gemm_args& args : layers) free(const_cast<void*>(args.packed));
  for (void* p : {(void*)w, (void*)a, (void*)y, (void*)bias, layers[0].workspace}) free(p);
}

void time_conv2d(int64_t batch, int64_t size, int64_t channels, int64_t out, int64_t kernel, int64_t stride,
                 bool nchw) {
  char name[64];
  snprintf(name, sizeof name, "conv2d b%ld %ldx%ld %ld->%ld k%ld s%ld", batch, size, size, channels, out, kernel,
           stride);
  if (strstr(name, filter) == nullptr) return;
  int64_t padding = kernel / 2, out_size = (size + 2 * padding - kernel) / stride + 1;
  float *w = buffer(out * channels * kernel * kernel), *x = buffer(batch * size * size * channels);
  float *y = buffer(batch * out_size * out_size * out), *bias = buffer(out);
  float* packed = buffer(jc_conv2d_packed_bytes(&context, out, channels, kernel) / 4);
  jc_conv2d_pack_args pack{w, packed, out, channels, kernel, 0};
  check(jc_conv2d_pack(&context, &pack));
  jc_conv2d_args args{};
  args.x = x, args.packed = packed, args.bias = bias, args.y = y;
  args.batch = batch, args.height = size, args.width = size, args.channels = channels;
  args.x_batch = size * size * channels;
  args.x_row = nchw ? size : size * channels;
  args.x_column = nchw ? 1 : channels;
  args.x_channel = nchw ? size * size : 1;
  args.out_channels = out, args.kernel = kernel, args.stride = stride, args.padding = padding;
  args.activation = JC_RELU;
  args.workspace_bytes = jc_conv2d_workspace(&context, &args);
  args.workspace = buffer(args.workspace_bytes / 4);
  report(name, 2.0 * static_cast<double>(batch * out_size * out_size * out * channels * kernel * kernel),
         {{reinterpret_cast<jc_operator>(jc_conv2d), &args}});
  for (void* p : {(void*)w, (void*)x, (void*)y, (void*)bias, (void*)packed, args.workspace}) free(p);
}

void time_patch_embed(int64_t batch, int64_t size, int64_t patch, int64_t width) {
  char name[64];
  snprintf(name, sizeof name, "patch_embed b%ld %ldx%ld/%ld ->%ld", batch, size, size, patch, width);
  if (strstr(name, filter) == nullptr) return;
  int64_t k = 3 * patch * patch, grid = (size / patch) * (size / patch);
  float *w = buffer(width * k), *x = buffer(batch * 3 * size * size), *y = buffer(batch * (1 + grid) * width);
  float *positional = buffer((1 + grid) * width), *class_embedding = buffer(width);
  float* packed = buffer(jc_gemm_packed_bytes(&context, width, k) / 4);
  jc_gemm_pack_args pack{w, packed, width, k, k, 1, JC_F32};
  check(jc_gemm_pack(&context, &pack));
  jc_patch_embed_args args{};
  args.pixels = x, args.packed = packed, args.class_embedding = class_embedding, args.positional = positional,
  args.y = y;
  args.batch = batch, args.height = size, args.image_width = size, args.patch = patch, args.width = width;
  args.workspace_bytes = jc_patch_embed_workspace(&context, &args);
  args.workspace = buffer(args.workspace_bytes / 4);
  report(name, 2.0 * static_cast<double>(batch * grid * width * k),
         {{reinterpret_cast<jc_operator>(jc_patch_embed), &args}});
  for (void* p :
       {(void*)w, (void*)x, (void*)y, (void*)positional, (void*)class_embedding, (void*)packed, args.workspace})
    free(p);
}

}  // namespace

int main(int count, char** words) {
  int64_t threads = count > 1 ? atol(words[1]) : 1;
  if (count > 2) filter = words[2];
  const char* forced = getenv("JCLIP_ISA");
  isa = jc_isa();
  if (forced != nullptr && strcmp(forced, "avx2") == 0) isa = JC_AVX2;
  if (forced != nullptr && strcmp(forced, "ref") == 0) isa = JC_REF;
  jc_threads(threads);
  one_thread = threads == 1;
  context.isa = isa;
  context.threads = threads;
  printf("isa %ld, %ld thread(s), ceiling %.1f GFLOP/s together\n", isa, threads, ceiling_once());
  const int64_t shapes[][3] = {{1, 768, 768},     {1, 3072, 768},  {4, 768, 768},    {50, 768, 768},
                               {50, 3072, 768},   {50, 768, 3072}, {197, 768, 768},  {1600, 768, 768},
                               {1600, 3072, 768}, {77, 2048, 512}, {257, 1024, 1024}};
  for (auto& s : shapes) time_gemm(s[0], s[1], s[2]);
  time_gemm(50, 3072, 768, JC_QUICK_GELU);
  time_gemm(50, 3072, 768, JC_GELU);
  for (int64_t rows : {1, 7, 50}) time_gemm(rows, 3072, 768, JC_IDENTITY, true);
  time_gemm(50, 768, 3072, JC_IDENTITY, true);
  for (int64_t batch : {1, 4}) {
    time_conv2d(batch, 224, 3, 32, 3, 2, true);
    time_conv2d(batch, 112, 32, 32, 3, 1, false);
    time_conv2d(batch, 112, 32, 64, 3, 1, false);
    time_conv2d(batch, 56, 64, 64, 3, 1, false);
    time_conv2d(batch, 28, 128, 128, 3, 1, false);
    time_conv2d(batch, 14, 256, 256, 3, 1, false);
    time_conv2d(batch, 7, 512, 512, 3, 1, false);
    time_conv2d(batch, 14, 1024, 1024, 3, 1, false);
    time_conv2d(batch, 56, 64, 256, 1, 1, false);
    time_conv2d(batch, 56, 256, 64, 1, 1, false);
    time_conv2d(batch, 14, 1024, 256, 1, 1, false);
    time_conv2d(batch, 7, 512, 2048, 1, 1, false);
    time_patch_embed(batch, 224, 32, 768);
    time_patch_embed(batch, 224, 16, 768);
  }
  return 0;
}
