// The matrix product behind gemm, conv2d and patch_embed: rows that a source gathers, times packed weights, with an epilogue.
#pragma once

#include "core/pool.h"

JC_DECLARE(gemm)
JC_DECLARE(gemm_pack)

namespace jc {

int32_t check_gemm(jc_context* context, const jc_gemm_args* a);
int32_t check_gemm_pack(jc_context* context, const jc_gemm_pack_args* a);

// k values of one row that lie together in a gathered tile: one cache line.
constexpr int64_t kChunk = 16;

// Second-level cache of 1 MiB: a block of gathered rows of one thread, beside it a panel (768 x 32 floats: 96 KiB) and the next one on
// its way; or else so many bytes of weights, when at least kManyTiles tiles pass by them.
constexpr int64_t kBlockBytes = 384 * 1024;
constexpr int64_t kWeightBytes = 384 * 1024;
constexpr int64_t kManyTiles = 8;

// Largest tile of the instruction set: rows of its micro-kernel and columns of a panel of packed weights.
struct TileSize {
  int64_t rows;
  int64_t columns;
};
inline constexpr TileSize kAvx2Tile{6, 16};
inline constexpr TileSize kAvx512Tile{14, 32};

// JC_OK if this context multiplies so; else names what is wrong and returns the status.
int32_t check_precision(jc_context* context, const char* op, int64_t precision);
// Steps of a micro-kernel over k values.
inline int64_t product_steps(int64_t k, int64_t precision) { return precision == JC_BF16 ? ceil_div(k, 2) : k; }

// Tiles of `rows` rows in a block.
inline int64_t block_tiles(int64_t rows, int64_t k) {
  int64_t tiles = kBlockBytes / (rows * round_up(k, kChunk) * 4);
  return tiles > 1 ? tiles : 1;
}

// y = activation(rows w^T + bias + residual).
// Row r is written to row r + (r / period + 1) skip of y, and takes row r % period + skip of the residual;
// period 0: row r of both.
struct Product {
  // Writes rows [first, first + count) of the source in tile layout: element (i, k) at tile[(k / 16 * count + i) * 16 + k % 16].
  // What lies beyond the last k of the last chunk is never read.
  void (*gather)(const void* source, int64_t first, int64_t count, float* tile);
  const void* source;
  const float* packed;
  const float* bias;      // or null
  const float* residual;  // or null
  float* y;
  int64_t rows;
  int64_t n;
  int64_t k;  // steps
  int64_t ld_residual;
  int64_t ldy;
  int64_t period;
  int64_t skip;
  int64_t activation;
};

// The product that gemm asks for, but for the gather function; its rows are the live ones.
Product gemm_product(const jc_gemm_args* a);
// Zeros in rows [live, a->rows) of y.
void fill_dead_rows(const jc_gemm_args* a, int64_t live);

// Bytes of packed weights [n, k].
int64_t packed_bytes(const jc_context* context, int64_t n, int64_t k);
// Bytes of workspace for `threads` threads, 0 for the plain version.
int64_t product_workspace(const jc_context* context, int64_t rows, int64_t k, int64_t threads);
// True if at least one thread can work.
bool enough_workspace(const jc_context* context, int64_t rows, int64_t k, const void* workspace,
                      int64_t workspace_bytes);
// The widest use of the workspace.
int64_t product_width(const jc_context* context, const Product& p, int64_t workspace_bytes);
bool is_activation(int64_t activation);

// Plain activation of one value.
namespace ref {
float activate(float x, int64_t activation);
}

// Element (n, k) of the weights, for packing: OIHW weights of a convolution in the order (row, column, channel) of the window;
// flipped, those of its data gradient: n = channel, k = (row, column, output channel), rows and columns from the last to the first;
// or a matrix with two strides.
struct Weights {
  const float* w;
  int64_t n;
  int64_t k;
  int64_t stride_n;
  int64_t stride_k;
  int64_t channels;  // 0: matrix
  int64_t window;    // kernel x kernel
  int64_t flipped;   // output channels, 0: not flipped
  float at(int64_t row, int64_t i) const {
    if (channels == 0) return w[row * stride_n + i * stride_k];
    if (flipped != 0) return w[(i % flipped * channels + row) * window + window - 1 - i / flipped];
    return w[(row * channels + i % channels) * window + i / channels];
  }
};

// Packs for context->isa: [n, k] row-major (plain version), or panels of `columns` columns, each [k, columns], zero-padded. In bf16
// floats are rounded and stay floats, as the plain version takes them.
void pack_weights(const jc_context* context, const Weights& weights, int64_t precision, float* packed);
// Panels that a task packs together when the columns of w lie together: they come from the same pages.
constexpr int64_t kPackPanels = 4;

// The nearest bf16, ties to even.
float bf16(float x);

namespace avx2 {
void multiply(const jc_context* context, const Product& p, void* workspace, int64_t workspace_bytes);
}
namespace avx512 {
void multiply(const jc_context* context, const Product& p, void* workspace, int64_t workspace_bytes);
// Panels of [ceil(k / 2), columns, 2] bf16, zero-padded.
void pack_bf16(const jc_context* context, const jc_gemm_pack_args* a);
// In bf16; gathers gemm's rows, whatever the product says.
void multiply_bf16(const jc_context* context, const Product& p, void* workspace, int64_t workspace_bytes);
}  // namespace avx512

}  // namespace jc
