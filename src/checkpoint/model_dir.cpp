// Opens a directory (config, index, shards, headers) and then reads bytes by tensor name.
#include "checkpoint/model_dir.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <tuple>

#include "base/check.h"
#include "base/hash.h"
#include "base/quote.h"
#include "checkpoint/contained_path.h"
#include "checkpoint/published_models.h"
#include "checkpoint/shard_index.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = 8 << 20;
constexpr uint64_t kMaxConfigValues = 1 << 18;
constexpr size_t kNameBytesInMessage = 256;
constexpr const char* kIndexName = "model.safetensors.index.json";

// What to do, and the command that does it where the repository is known.
std::string advice(const std::string& what, const fs::path& directory) {
  const std::string command = download_command_into(directory);
  return command.empty() ? what : fmt::format("{}: `{}`", what, command);
}

void check_directory(const fs::path& directory) {
  std::error_code failed;
  const fs::file_status status = fs::status(directory, failed);
  if (status.type() == fs::file_type::directory) return;
  if (fs::exists(status)) {
    throw Error(ErrorCode::kMissingInput, directory.string(), "is not a directory",
                "give the directory that holds config.json");
  }
  if (failed == std::errc::permission_denied) {
    throw Error(ErrorCode::kUnreadable, directory.string(), failed.message(), "check the permissions");
  }
  throw Error(ErrorCode::kMissingInput, directory.string(), "does not exist",
              advice("check the path, or download the model", directory));
}

Json read_config(const fs::path& directory) {
  const fs::path path = contained_path(directory, "config.json");
  const JsonLimits limits{.max_bytes = kMaxConfigBytes, .max_values = kMaxConfigValues};
  Json config = parse_json(read_text(path, limits.max_bytes), path.string(), limits);
  const JsonObject must_be_object(config, path.string());
  return config;
}

// Lists the weight files of a directory without an index: those that mlx-lm would load.
std::vector<std::string> weight_files(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator entry(directory, failed), end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with("model") && name.ends_with(".safetensors")) names.push_back(name);
  }
  if (failed) throw Error(ErrorCode::kUnreadable, directory.string(), failed.message(), "check the permissions");
  if (names.empty()) {
    throw Error(ErrorCode::kMissingInput, directory.string(),
                fmt::format("has neither {} nor model*.safetensors", kIndexName),
                advice("download the weights of the checkpoint as well", directory));
  }
  if (names.size() > kMaxShards) {
    throw Error(ErrorCode::kBadConfig, directory.string(), fmt::format("has more than {} weight files", kMaxShards),
                "join them into fewer");
  }
  std::sort(names.begin(), names.end());
  return names;
}

File open_shard(const fs::path& directory, const std::string& name) {
  const fs::path path = contained_path(directory, name);
  try {
    return File(path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kMissingInput) throw;
    throw Error(ErrorCode::kMissingShard, path.string(), fmt::format("is missing, but {} names it", kIndexName),
                advice("the download is incomplete: fetch the missing shard", path.parent_path()));
  }
}

// Checks that the shard holds every tensor that the index places there. placed: the shard's entries, by name.
void check_placed(std::span<const ShardIndex::Entry> placed, const SafetensorsHeader& header,
                  const std::string& shard) {
  std::vector<std::string_view> names;
  names.reserve(header.tensors.size());
  for (const TensorInfo& tensor : header.tensors) names.emplace_back(tensor.name);
  std::sort(names.begin(), names.end());
  for (const ShardIndex::Entry& entry : placed) {
    if (std::binary_search(names.begin(), names.end(), entry.tensor)) continue;
    throw Error(ErrorCode::kMissingTensor, shard + ": " + printable(entry.tensor, kNameBytesInMessage),
                fmt::format("is not in this shard, where {} places it", kIndexName),
                "the files are not of the same checkpoint: download them again");
  }
}

ShardIndex read_index(const fs::path& path) {
  ShardIndex index = parse_shard_index(read_text(path, kMaxIndexBytes), path.string());
  std::sort(index.tensors.begin(), index.tensors.end(),
            [](const auto& a, const auto& b) { return std::tie(a.shard, a.tensor) < std::tie(b.shard, b.tensor); });
  return index;
}

}  // namespace

ModelDir::ModelDir(const fs::path& directory) : directory_(directory) {
  check_directory(directory_);
  config_ = read_config(directory_);
  quantization_ = QuantizationConfig::parse(config_, (directory_ / "config.json").string());
  open_shards();
}

void ModelDir::open_shards() {
  const fs::path index_path = contained_path(directory_, kIndexName);
  std::error_code ignored;  // an unreadable directory fails below, with its own message
  if (!fs::exists(fs::symlink_status(index_path, ignored))) {
    for (const std::string& name : weight_files(directory_)) {
      File file(contained_path(directory_, name));
      SafetensorsHeader header = read_safetensors_header(file);
      add_file(std::move(file), std::move(header));
    }
    return;
  }
  const ShardIndex index = read_index(index_path);
  auto placed = index.tensors.begin();
  for (size_t shard = 0; shard < index.shards.size(); ++shard) {
    File file = open_shard(directory_, index.shards[shard]);
    SafetensorsHeader header = read_safetensors_header(file);
    const auto end = std::find_if(placed, index.tensors.end(), [&](const auto& entry) { return entry.shard != shard; });
    check_placed({placed, end}, header, file.path().string());
    placed = end;
    add_file(std::move(file), std::move(header));
  }
}

void ModelDir::add_file(File file, SafetensorsHeader header) {
  const int number = static_cast<int>(files_.size());
  files_.push_back(std::move(file));
  header_checksums_.push_back(std::move(header.checksum));
  for (TensorInfo& info : header.tensors) {
    info.name = name_in(config_, info.name);
    if (info.name.empty()) continue;  // a vision tensor
    const auto found = tensors_.find(info.name);
    if (found != tensors_.end()) {
      throw Error(ErrorCode::kDuplicateKey,
                  files_.back().path().string() + ": " + printable(info.name, kNameBytesInMessage),
                  "is also in " + files_[static_cast<size_t>(found->second.file)].path().filename().string(),
                  "remove the files that do not belong to this checkpoint");
    }
    std::string name = info.name;
    tensors_.emplace(std::move(name), Entry{std::move(info), number});
  }
}

const ModelDir::Entry* ModelDir::find(std::string_view canonical) const {
  const auto found = tensors_.find(canonical);
  return found == tensors_.end() ? nullptr : &found->second;
}

const ModelDir::Entry& ModelDir::at(std::string_view canonical) const {
  if (const Entry* entry = find(canonical)) return *entry;
  throw Error(ErrorCode::kMissingTensor, directory_.string() + ": " + printable(canonical, kNameBytesInMessage),
              "is not in the checkpoint", "the checkpoint is incomplete or of another architecture");
}

std::string ModelDir::where(const Entry& entry) const {
  return files_[static_cast<size_t>(entry.file)].path().filename().string() + ": " +
         printable(entry.info.name, kNameBytesInMessage);
}

std::string ModelDir::fingerprint() const {
  std::string text = to_text(config_);
  for (size_t i = 0; i < files_.size(); ++i) {
    text += fmt::format("\n{}: {}, header {}", files_[i].path().filename().string(), files_[i].identity(),
                        header_checksums_[i]);
  }
  return moebius::internal::fingerprint(text);
}

void ModelDir::read(const Entry& entry, uint64_t offset, std::span<std::byte> out) const {
  MOEBIUS_CHECK(offset <= entry.info.bytes && out.size() <= entry.info.bytes - offset);
  const File& file = files_[static_cast<size_t>(entry.file)];
  file.read(entry.info.offset + offset, out);
  const uint64_t done = std::atomic_ref(entry.bytes_read).fetch_add(out.size(), std::memory_order_relaxed) + out.size();
  if (done == entry.info.bytes) file.drop_pages(entry.info.offset, entry.info.bytes);
  bytes_read_.fetch_add(out.size(), std::memory_order_relaxed);
}

}  // namespace moebius::internal
