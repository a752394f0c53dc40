// System calls on device nodes and their descriptors.

#include "fake_libdrm/calls.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace vwsi::drm::fake {

namespace {

int openNode(const char* path)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    if (const int error = state.enter("open"))
        return minusOne(error);
    const auto& nodes = state.kernel.nodes;
    const auto node = std::find_if(nodes.begin(), nodes.end(), [&](const Node& one) { return one.path == path; });
    if (node == nodes.end())
        return minusOne(ENOENT);
    if (node->openError)
        return minusOne(node->openError);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    auto file = std::make_shared<File>();
    file->id = ++state.lastFile;
    file->node = static_cast<size_t>(node - nodes.begin());
    file->eventWriter = ends[1];
    state.files[ends[0]] = file;
    // The first to open a node that has no master becomes it.
    if (state.master.expired() && !state.kernel.foreignMaster) {
        state.master = file;
        file->wasMaster = true;
    }
    return ends[0];
}

int closeNode(int fd)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    ++state.counts["close"];
    const std::shared_ptr<File> file = state.file(fd);
    if (!file)
        return minusOne(EBADF);
    state.files.erase(fd);
    if (--file->descriptors == 0)
        state.release(*file);
    return ::close(fd);
}

int duplicate(int fd)
{
    const Call call("duplicate", fd);
    if (call.error)
        return minusOne(call.error);
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    call.state.files[copy] = call.file;
    ++call.file->descriptors;
    return copy;
}

int replace(int from, int to)
{
    const Call call("replace", from);
    if (call.error)
        return minusOne(call.error);
    const std::shared_ptr<File> old = call.state.file(to);
    if (old && --old->descriptors == 0)
        call.state.release(*old);
    dup3(from, to, O_CLOEXEC);
    call.state.files[to] = call.file;
    ++call.file->descriptors;
    return to;
}

bool sameFile(int a, int b)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    return state.file(a) && state.file(a) == state.file(b);
}

int pathNumber(const char* path, NodeNumber* number)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    for (const Node& node : state.kernel.nodes) {
        if (node.path == path)
            return *number = node.number, 0;
        if (node.renderPath == path)
            return *number = node.renderNumber, 0;
    }
    return minusOne(ENOENT);
}

int descriptorNumber(int fd, NodeNumber* number)
{
    const Call call("descriptorNumber", fd);
    if (call.error)
        return minusOne(call.error);
    *number = call.state.kernel.nodes[call.file->node].number;
    return 0;
}

void* mapMemory(int fd, size_t size, uint64_t offset)
{
    const Call call("map", fd);
    if (call.error || !call.file->dumbBuffers.count(static_cast<uint32_t>(offset >> 16))) {
        errno = call.error ? call.error : EINVAL;
        return MAP_FAILED;
    }
    void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    call.state.mappings[memory] = size;
    return memory;
}

int unmapMemory(void* address, size_t size)
{
    State& state = current();
    const std::scoped_lock lock(state.mutex);
    if (!state.mappings.erase(address))
        return minusOne(EINVAL);
    return munmap(address, size);
}

} // namespace

void setDescriptorFunctions(Api& api)
{
    api.system = {.open = openNode,
                  .close = closeNode,
                  .duplicate = duplicate,
                  .replace = replace,
                  .sameFile = sameFile,
                  .pathNumber = pathNumber,
                  .descriptorNumber = descriptorNumber,
                  .map = mapMemory,
                  .unmap = unmapMemory};
}

} // namespace vwsi::drm::fake
