// Ceilings of the GPU at hand that need no library: copy bandwidth, mma.sync rate, ex2 rate, shared-memory fill from L2 by cp.async.
// One JSON line each. nvcc -std=c++20 -O3 -gencode arch=compute_90a,code=sm_90a ceilings.cu -o ceilings
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#define CHECK(e)                                                                      \
  do {                                                                                \
    const cudaError_t e_ = (e);                                                       \
    if (e_ != cudaSuccess) {                                                          \
      std::fprintf(stderr, "%s:%d %s\n", __FILE__, __LINE__, cudaGetErrorString(e_)); \
      std::exit(1);                                                                   \
    }                                                                                 \
  } while (0)

__global__ void __launch_bounds__(512) copy_kernel(const uint4* x, uint4* y, size_t count) {
  const size_t step = size_t(gridDim.x) * blockDim.x;
  size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; i + 3 * step < count; i += 4 * step) {
    uint4 v[4];
#pragma unroll
    for (int e = 0; e < 4; ++e) v[e] = __ldcs(x + i + e * step);
#pragma unroll
    for (int e = 0; e < 4; ++e) __stcs(y + i + e * step, v[e]);
  }
  for (; i < count; i += step) y[i] = x[i];
}

__global__ void fill_kernel(uint32_t* x, size_t count, uint32_t seed) {
  for (size_t i = size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x) {
    uint32_t h = uint32_t(i) * 2654435761u ^ seed;
    h ^= h >> 15, h *= 2246822519u, h ^= h >> 13;
    x[i] = (h & 0x007f007fu) | 0x3f803f80u;  // two bf16 in [1, 2)
  }
}

constexpr int kChains = 16, kSteps = 2048;
__global__ void __launch_bounds__(256, 1) mma_kernel(const uint32_t* in, float* out) {
  uint32_t a[4], b[kChains / 4][2];
  float c[kChains][4];
  for (int i = 0; i < 4; ++i) a[i] = in[threadIdx.x * 16 + i];
  for (int i = 0; i < kChains / 4; ++i)
    for (int e = 0; e < 2; ++e) b[i][e] = in[threadIdx.x * 16 + 4 + 2 * i + e];
  for (int i = 0; i < kChains; ++i)
    for (int e = 0; e < 4; ++e) c[i][e] = 0.f;
  for (int s = 0; s < kSteps; ++s) {
#pragma unroll
    for (int i = 0; i < kChains; ++i)
      asm volatile(
          "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
          : "+f"(c[i][0]), "+f"(c[i][1]), "+f"(c[i][2]), "+f"(c[i][3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[i & 3][0]), "r"(b[i & 3][1]));
  }
  float sum = 0.f;
  for (int i = 0; i < kChains; ++i)
    for (int e = 0; e < 4; ++e) sum += c[i][e];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

__global__ void __launch_bounds__(1024) ex2_kernel(float* out) {
  float v[8];
  for (int i = 0; i < 8; ++i) v[i] = float(threadIdx.x) * 1e-3f + float(i);
  for (int s = 0; s < 1024; ++s) {
#pragma unroll
    for (int i = 0; i < 8; ++i) asm volatile("ex2.approx.ftz.f32 %0, %0;" : "+f"(v[i]));
  }
  float sum = 0.f;
  for (int i = 0; i < 8; ++i) sum += v[i];
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// Every block streams the same `bytes` (inside L2) into its ring: the operand traffic of the loss kernel, without the arithmetic.
__global__ void __launch_bounds__(256) l2_kernel(const uint4* x, uint32_t count, int rounds, float* out) {
  extern __shared__ uint4 ring[];
  const uint32_t base = uint32_t(__cvta_generic_to_shared(ring));
  uint32_t at = (blockIdx.x * 7919u * 256u) % count;
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      asm volatile(
          "cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(base + ((r & 1) * 8 + i) * 4096 + threadIdx.x * 16),
          "l"(x + at + threadIdx.x));
      at += 256;
      if (at >= count) at = 0;
    }
    asm volatile("cp.async.commit_group;");
    asm volatile("cp.async.wait_group 1;");
  }
  asm volatile("cp.async.wait_group 0;");
  __syncthreads();
  if (out) out[blockIdx.x * 256 + threadIdx.x] = float(ring[threadIdx.x].x);
}

template <class F>
double median_ms(F f) {
  cudaEvent_t a, b;
  CHECK(cudaEventCreate(&a));
  CHECK(cudaEventCreate(&b));
  for (int i = 0; i < 3; ++i) f();
  std::vector<float> t(21);
  for (float& x : t) {
    CHECK(cudaEventRecord(a));
    f();
    CHECK(cudaEventRecord(b));
    CHECK(cudaEventSynchronize(b));
    CHECK(cudaGetLastError());
    CHECK(cudaEventElapsedTime(&x, a, b));
  }
  std::sort(t.begin(), t.end());
  return t[t.size() / 2];
}

int main() {
  cudaDeviceProp p{};
  CHECK(cudaGetDeviceProperties(&p, 0));
  const size_t bytes = size_t(2) << 30;
  void *x, *y;
  CHECK(cudaMalloc(&x, bytes));
  CHECK(cudaMalloc(&y, bytes));
  fill_kernel<<<4096, 256>>>(static_cast<uint32_t*>(x), bytes / 4, 7u);
  CHECK(cudaDeviceSynchronize());
  auto* f = static_cast<float*>(y);
  double ms = median_ms([&] { CHECK(cudaMemcpyAsync(y, x, bytes, cudaMemcpyDeviceToDevice)); });
  std::printf("{\"ceiling\":\"cudaMemcpy device to device\",\"ms\":%.4f,\"tbs\":%.3f}\n", ms,
              2.0 * double(bytes) / ms / 1e9);
  for (int per_sm : {2, 4}) {
    ms = median_ms([&] {
      copy_kernel<<<p.multiProcessorCount * per_sm, 512>>>(static_cast<uint4*>(x), static_cast<uint4*>(y), bytes / 16);
    });
    std::printf("{\"ceiling\":\"copy kernel, %d blocks of 512 an SM\",\"ms\":%.4f,\"tbs\":%.3f}\n", per_sm, ms,
                2.0 * double(bytes) / ms / 1e9);
  }
  for (int per_sm : {1, 2}) {
    ms = median_ms([&] { mma_kernel<<<p.multiProcessorCount * per_sm, 256>>>(static_cast<uint32_t*>(x), f); });
    const double flop = double(p.multiProcessorCount) * per_sm * 8 * kChains * kSteps * 4096.0;
    std::printf("{\"ceiling\":\"mma.sync bf16, %d warps an SM\",\"ms\":%.4f,\"tflops\":%.1f}\n", 8 * per_sm, ms,
                flop / ms / 1e9);
  }
  ms = median_ms([&] { ex2_kernel<<<p.multiProcessorCount * 2, 1024>>>(f); });
  std::printf("{\"ceiling\":\"ex2\",\"ms\":%.4f,\"gops\":%.1f}\n", ms,
              double(p.multiProcessorCount) * 2 * 1024 * 8 * 1024 / ms / 1e6);
  CHECK(cudaFuncSetAttribute(l2_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 65536));
  for (int mb : {8, 32}) {
    const int rounds = 512;
    ms = median_ms([&] {
      l2_kernel<<<p.multiProcessorCount * 2, 256, 65536>>>(static_cast<uint4*>(x), uint32_t(mb) * 65536u, rounds, f);
    });
    std::printf("{\"ceiling\":\"cp.async from L2, %d MiB window\",\"ms\":%.4f,\"tbs\":%.3f}\n", mb, ms,
                double(p.multiProcessorCount) * 2 * rounds * 32768 / ms / 1e9);
  }
}
