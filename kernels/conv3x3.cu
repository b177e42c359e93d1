// y = activation(conv(x, w) + bias): 3x3, stride 1, padding 1, NHWC, as an implicit GEMM:
//
//   rows    = output pixels (batch height width),  columns = output channels,  depth = 9 channels, tap by tap
//   a[pixel, tap c] = x[pixel shifted by tap, c] or 0,  b[out, tap c] = w[out, tap, c]
//
// A thread copies one 16-byte piece (8 channels) of four pixels a stage. It knows the pixels' addresses and, for each,
// nine bits that say which taps lie inside the picture; a copy of size 0 writes the zeros of the padding. Stages are 64
// deep whatever the channels: with 32 channels a stage covers two taps, and pieces beyond the last tap are zeros.
//
// Data movement: x from HBM once and eight times more from L1/L2, w from L2, y written once through shared memory in
// 16-byte pieces. Budget: tiles 128 x 128 (128 x 64 up to 64 output channels), 8 warps of 32 x 64 (32 x 32), ring of 3
// stages of 32 KB (24 KB), 128 registers, 2 blocks an SM. FLOPs 18 channels out_channels a pixel; floor: mma.sync rate
// from 128 channels on, target 55 % of the cuBLASLt rate; below that memory (gpu-design 1.4).
#include "jc_dev.cuh"

namespace jc {
namespace {

constexpr int kRows = 128;
constexpr int kStages = 3;
constexpr int kWarps = 8;  // 4 down the pixels, 2 across the channels

struct Arguments {
  const bf16 *x, *w;
  const float* bias;
  bf16* y;
  int pixels, height, width, channels, out_channels;
};

template <int COLUMNS, bool RELU>
JC_KERNEL(kWarps * 32, 2)
conv3x3(const Arguments p) {
  constexpr int kHalf = COLUMNS / 2;  // columns of a warp
  constexpr uint32_t kOperandA = kRows * 128, kStage = kOperandA + COLUMNS * 128;
  const int thread = thread_id(), warp = thread >> 5, lane = thread & 31;
  const unsigned column_tiles = unsigned(p.out_channels + COLUMNS - 1) / COLUMNS;
  const int first_pixel = int(block_x() / column_tiles) * kRows;
  const int first_column = int(block_x() % column_tiles) * COLUMNS;
  const int piece = thread & 7, depth = 9 * p.channels;
  const uint32_t to = swizzled(uint32_t(thread >> 3), uint32_t(piece));  // rows 32 apart have the same swizzle

  // Element offset of the first pixel's centre tap, and the taps inside the picture: bit 3 (dy + 1) + dx + 1, two
  // pixels a word.
  const uint32_t centre = uint32_t(first_pixel + (thread >> 3)) * uint32_t(p.channels);
  uint32_t taps[2] = {};
  JC_UNROLL
  for (int i = 0; i < 4; ++i) {
    const int pixel = first_pixel + i * 32 + (thread >> 3), column = pixel % p.width, row = pixel / p.width % p.height;
    const uint32_t columns = 2u | uint32_t(column > 0) | uint32_t(column < p.width - 1) << 2;
    const uint32_t inside = (row > 0 ? columns : 0u) | columns << 3 | (row < p.height - 1 ? columns << 6 : 0u);
    if (pixel < p.pixels) taps[i >> 1] |= inside << (i & 1) * 16;
  }

  const uint32_t ring = shared_base(), ring_last = ring + (kStages - 1) * kStage;
  uint32_t load_stage = ring, read_stage = ring;
  int tap = 0, channel = piece * 8;  // of this thread's next piece
  while (channel >= p.channels) channel -= p.channels, ++tap;
  const int stages = (depth + 63) / 64;
  int loaded = 0;
  auto load = [&] {
    if (loaded < stages) {
      const int k = loaded++ * 64 + piece * 8;
      const bool inside = tap < 9;
      const uint32_t shift = uint32_t(((tap / 3 - 1) * p.width + tap % 3 - 1) * p.channels + channel);
      JC_UNROLL
      for (int i = 0; i < 4; ++i) {
        const bool valid = inside && (taps[i >> 1] >> (tap + (i & 1) * 16) & 1u);
        copy_async16(load_stage + to + uint32_t(i) * 4096,
                     p.x + (valid ? centre + uint32_t(i * 32 * p.channels) + shift : 0u), valid);
      }
      JC_UNROLL
      for (int i = 0; i < COLUMNS / 32; ++i) {
        const int out = first_column + i * 32 + (thread >> 3);
        const bool valid = inside && out < p.out_channels;
        copy_async16(load_stage + kOperandA + to + uint32_t(i) * 4096,
                     p.w + (valid ? uint32_t(out) * uint32_t(depth) + uint32_t(k) : 0u), valid);
      }
      channel += 64;
      while (channel >= p.channels) channel -= p.channels, ++tap;
      load_stage = load_stage == ring_last ? ring : load_stage + kStage;
    }
    copy_commit();
  };

  float c[2][kHalf / 8][4] = {};
  uint32_t stage = ring;
  load();
  load();
  for (int s = 0; s < stages; ++s) {
    copy_wait<1>();
    sync_block();  // this stage has arrived for all, and all have read the one before it
    load();        // into the stage before it
    stage = read_stage;
    read_stage = read_stage == ring_last ? ring : read_stage + kStage;
    multiply<2, kHalf / 16>(c, stage, (warp >> 1) * 32, stage + kOperandA, (warp & 1) * kHalf, lane);
  }

  // Through the last stage, where each warp has 32 rows of 64 columns (of which it uses kHalf).
  const uint32_t s_stage = stage + uint32_t(warp) * (kHalf == 64 ? 4096u : 2048u);
  auto place = [&](int row, int chunk) {
    return kHalf == 64 ? s_stage + swizzled(uint32_t(row), uint32_t(chunk))
                       : s_stage + swizzled(uint32_t(row >> 1), uint32_t(chunk + (row & 1) * 4));
  };
  sync_block();
  JC_UNROLL
  for (int j = 0; j < kHalf / 8; ++j) {
    const int column = first_column + (warp & 1) * kHalf + j * 8 + (lane & 3) * 2;
    float bias[2] = {};
    if (p.bias && column < p.out_channels) bias[0] = p.bias[column], bias[1] = p.bias[column + 1];
    JC_UNROLL
    for (int i = 0; i < 4; ++i) {
      float v[2] = {c[i >> 1][j][(i & 1) * 2] + bias[0], c[i >> 1][j][(i & 1) * 2 + 1] + bias[1]};
      if (RELU) v[0] = max_(v[0], 0.f), v[1] = max_(v[1], 0.f);
      sts(place(i * 8 + (lane >> 2), j) + uint32_t(lane & 3) * 4, pack(v[0], v[1]));
    }
  }
  sync_warp();
  JC_UNROLL
  for (int i = 0; i < kHalf / 8; ++i) {
    constexpr int kPieces = kHalf / 8;  // of a row
    const int at = i * 32 + lane, row = at / kPieces, chunk = at % kPieces;
    const int pixel = first_pixel + (warp >> 1) * 32 + row, column = first_column + (warp & 1) * kHalf + chunk * 8;
    if (pixel < p.pixels && column < p.out_channels)
      stg128(p.y + int64_t(pixel) * p.out_channels + column, lds128(place(row, chunk)));
  }
}

template <int COLUMNS>
int32_t launch_conv(const Arguments& p, bool relu, Stream stream) {
  const int64_t row_tiles = (int64_t(p.pixels) + kRows - 1) / kRows,
                column_tiles = (p.out_channels + COLUMNS - 1) / COLUMNS;
  const dim3 grid(unsigned(row_tiles * column_tiles));
  const uint32_t shared = kStages * (kRows + COLUMNS) * 128;
  return relu ? launch(conv3x3<COLUMNS, true>, grid, kWarps * 32, shared, stream, p)
              : launch(conv3x3<COLUMNS, false>, grid, kWarps * 32, shared, stream, p);
}

}  // namespace
}  // namespace jc

extern "C" int32_t jc_conv3x3_bf16(jc_context* context, const jc_conv3x3_bf16_args* a) {
  using namespace jc;
  const int64_t kMost = int64_t(1) << 32;
  const auto positive = [](int64_t v) { return v >= 1 && v <= 65536; };
  if (!positive(a->batch) || !positive(a->height) || !positive(a->width) || !positive(a->channels) ||
      !positive(a->out_channels) || a->channels % 8 || a->out_channels % 8)
    return fail(context, JC_INVALID,
                "jc_conv3x3_bf16: x [%lld, %lld, %lld, %lld], %lld output channels; channels must be multiples of 8",
                (long long)a->batch, (long long)a->height, (long long)a->width, (long long)a->channels,
                (long long)a->out_channels);
  if (a->height * a->width > kMost / 2 / a->channels / a->batch || 9 * a->channels * a->out_channels > kMost)
    return fail(context, JC_UNSUPPORTED, "jc_conv3x3_bf16: x has more than 2^31 elements, or w more than 2^32");
  if (a->activation != JC_IDENTITY && a->activation != JC_RELU)
    return fail(context, JC_UNSUPPORTED, "jc_conv3x3_bf16: activation %lld", (long long)a->activation);
  if (!aligned(a->x) || !aligned(a->w) || !aligned(a->y))
    return fail(context, JC_INVALID, "jc_conv3x3_bf16: pointers must be multiples of 16 bytes");
  const Arguments p{a->x,
                    a->w,
                    a->bias,
                    a->y,
                    int(a->batch * a->height * a->width),
                    int(a->height),
                    int(a->width),
                    int(a->channels),
                    int(a->out_channels)};
  const bool relu = a->activation == JC_RELU;
  const int32_t status = a->out_channels <= 64 ? launch_conv<64>(p, relu, stream_of(context))
                                               : launch_conv<128>(p, relu, stream_of(context));
  return launched(context, status, "jc_conv3x3_bf16");
}
