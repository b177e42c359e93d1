// The device's half of jc_dev.cuh: each function is one PTX instruction, or the CUDA runtime's name for it.
#pragma once
#include <cuda_runtime.h>

#define JC_DEV __device__ __forceinline__
#define JC_KERNEL(threads, min_blocks) __global__ void __launch_bounds__(threads, min_blocks)
#define JC_UNROLL _Pragma("unroll")

namespace jc {

JC_DEV int thread_id() { return int(threadIdx.x); }
JC_DEV unsigned block_x() { return blockIdx.x; }
JC_DEV unsigned block_y() { return blockIdx.y; }
JC_DEV unsigned grid_x() { return gridDim.x; }
JC_DEV unsigned grid_y() { return gridDim.y; }

JC_DEV void sync_block() { __syncthreads(); }
JC_DEV void sync_warp() { __syncwarp(); }
JC_DEV float shfl_xor(float v, int mask) { return __shfl_xor_sync(0xffffffffu, v, mask); }
JC_DEV double shfl_xor(double v, int mask) { return __shfl_xor_sync(0xffffffffu, v, mask); }
JC_DEV float shfl(float v, int lane) { return __shfl_sync(0xffffffffu, v, lane); }

JC_DEV uint32_t shared_base() {
  extern __shared__ __align__(1024) unsigned char jc_shared[];
  return uint32_t(__cvta_generic_to_shared(jc_shared));
}
JC_DEV void sts(uint32_t a, uint16_t v) { asm volatile("st.shared.b16 [%0], %1;" ::"r"(a), "h"(v) : "memory"); }
JC_DEV void sts(uint32_t a, uint32_t v) { asm volatile("st.shared.b32 [%0], %1;" ::"r"(a), "r"(v) : "memory"); }
JC_DEV void sts(uint32_t a, float v) { asm volatile("st.shared.f32 [%0], %1;" ::"r"(a), "f"(v) : "memory"); }
JC_DEV void sts(uint32_t a, double v) { asm volatile("st.shared.f64 [%0], %1;" ::"r"(a), "d"(v) : "memory"); }
JC_DEV float lds_f32(uint32_t a) {
  float v;
  asm volatile("ld.shared.f32 %0, [%1];" : "=f"(v) : "r"(a) : "memory");
  return v;
}
JC_DEV double lds_f64(uint32_t a) {
  double v;
  asm volatile("ld.shared.f64 %0, [%1];" : "=d"(v) : "r"(a) : "memory");
  return v;
}
JC_DEV uint4 lds128(uint32_t a) {
  uint4 v;
  asm volatile("ld.shared.v4.b32 {%0,%1,%2,%3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "r"(a)
               : "memory");
  return v;
}
JC_DEV uint4 ldg128(const void* p) { return __ldg(static_cast<const uint4*>(p)); }
// Data touched once: leaves the caches to those who come back.
JC_DEV uint4 ldg128_once(const void* p) { return __ldcs(static_cast<const uint4*>(p)); }
JC_DEV void stg128(void* p, uint4 v) { *static_cast<uint4*>(p) = v; }
JC_DEV void stg64(void* p, uint32_t low, uint32_t high) { *static_cast<uint2*>(p) = uint2{low, high}; }

JC_DEV void copy_async16(uint32_t to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid ? 16 : 0) : "memory");
}
JC_DEV void copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int LEFT>
JC_DEV void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}

JC_DEV void ldmatrix(uint32_t (&r)[4], uint32_t a) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(a)
               : "memory");
}
JC_DEV void ldmatrix_transposed(uint32_t (&r)[4], uint32_t a) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(a)
               : "memory");
}
JC_DEV void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

JC_DEV uint32_t pack(float low, float high) {
  uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}
JC_DEV float bits_to_float(uint32_t v) { return __uint_as_float(v); }
JC_DEV float ex2(float x) {  // 2^x to 2 ulp, results below 2^-126 become 0
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
JC_DEV float reciprocal(float x) {  // to 1 ulp
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
JC_DEV float fma_(float a, float b, float c) { return fmaf(a, b, c); }
JC_DEV float max_(float a, float b) { return fmaxf(a, b); }
JC_DEV float min_(float a, float b) { return fminf(a, b); }
JC_DEV float sqrt_(float a) { return sqrtf(a); }
JC_DEV float exp_(float a) { return expf(a); }
JC_DEV float log_(float a) { return logf(a); }
JC_DEV float log1p_(float a) { return log1pf(a); }
JC_DEV float erf_(float a) { return erff(a); }

using Stream = cudaStream_t;

// 0, or 1000 + the CUDA error. More than 48 KB of shared memory must be asked for first.
template <class... P, class... A>
int32_t launch(void (*kernel)(P...), dim3 grid, unsigned threads, uint32_t shared, Stream stream, A... args) {
  cudaError_t e = cudaSuccess;
  if (shared > 48 * 1024) e = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared));
  if (e == cudaSuccess) {
    kernel<<<grid, threads, shared, stream>>>(args...);
    e = cudaGetLastError();
  }
  return e == cudaSuccess ? 0 : 1000 + int32_t(e);
}

}  // namespace jc
