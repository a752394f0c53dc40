#include "swapchain/swapchain.h"

#include "core/device.h"
#include "core/instance.h"
#include "core/log.h"
#include "core/queue.h"
#include "core/struct_chain.h"
#include "core/timed_wait.h"
#include "surface/color_spaces.h"
#include "surface/present_mode_compatibility.h"
#include "surface/present_scaling.h"

#include <algorithm>
#include <utility>

namespace vwsi {

namespace {

/// MAILBOX is the first mode, or one that frames may switch to (VkSwapchainPresentModesCreateInfoEXT).
bool mayBeAMailbox(const VkSwapchainCreateInfoKHR& info)
{
    const auto* const modes = findInChain<VkSwapchainPresentModesCreateInfoEXT>(
        info.pNext, VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_MODES_CREATE_INFO_EXT);
    return info.presentMode == VK_PRESENT_MODE_MAILBOX_KHR ||
           (modes && std::find(modes->pPresentModes, modes->pPresentModes + modes->presentModeCount,
                               VK_PRESENT_MODE_MAILBOX_KHR) != modes->pPresentModes + modes->presentModeCount);
}

} // namespace

Swapchain::Swapchain(Device& device, Surface& surface, const VkAllocationCallbacks* callbacks)
    : m_allocator(callbacks), m_device(device), m_surface(surface), m_surfaceLife(surface.shared_from_this()),
      m_engine(device, m_engineAllocator), m_presenter(*this, device, m_engine, m_records)
{
}

Swapchain::~Swapchain()
{
    m_presenter.stop();
    for (SwapchainImage& image : m_images) {
        if (!image.fence)
            continue;
        // The copy's commands and memory are in use until the submission is complete.
        m_device.fences().wait(*image.fence);
        m_device.fences().drop(image.fence);
    }
    m_device.fences().unreserve(m_reservedFences);
    if (m_group)
        m_group->leave(*this);
    m_engine.destroy();
    m_device.removeSwapchain(this);
    if (m_surface.swapchain == this)
        m_surface.swapchain = nullptr;
}

VkResult Swapchain::create(Device& device, Surface& surface, const VkSwapchainCreateInfoKHR& info,
                           const VkAllocationCallbacks* callbacks, VkSwapchainKHR* handle)
{
    return create(device, surface, info, callbacks, nullptr, handle);
}

VkResult Swapchain::create(Device& device, Surface& surface, const VkSwapchainCreateInfoKHR& info,
                           const VkAllocationCallbacks* callbacks, const std::shared_ptr<ImageGroup>& group,
                           VkSwapchainKHR* handle)
{
    Swapchain* const old = info.oldSwapchain ? of(info.oldSwapchain) : nullptr;
    if (surface.swapchain && surface.swapchain != old) {
        VWSI_ERROR("the window already has a swapchain that is not retired; pass it as oldSwapchain or destroy it");
        return VK_ERROR_NATIVE_WINDOW_IN_USE_KHR;
    }
    // The old swapchain is retired even if this creation fails (spec, vkCreateSwapchainKHR).
    if (old)
        old->retire();
    if (device.lost())
        return VK_ERROR_DEVICE_LOST;

    HostAllocator allocator(callbacks);
    auto* const swapchain = allocator.create<Swapchain>(device, surface, callbacks);
    if (!swapchain)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    VkResult result = VK_SUCCESS;
    try {
        result = swapchain->initialize(info, group);
    } catch (const std::bad_alloc&) {
        result = VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    if (result != VK_SUCCESS) {
        allocator.destroy(swapchain);
        return result;
    }
    surface.swapchain = swapchain;
    *handle = swapchain->handle();
    return VK_SUCCESS;
}

void Swapchain::destroy(Swapchain* swapchain)
{
    HostAllocator allocator = swapchain->m_allocator;
    allocator.destroy(swapchain);
}

uint32_t Swapchain::imageCount(const VkSwapchainCreateInfoKHR& info, const SurfaceState& state)
{
    const uint32_t least = isSharedPresentMode(info.presentMode) ? kSharedCopies
                           : mayBeAMailbox(info)                 ? kMailboxImages
                                                                 : state.minImageCount;
    return std::max(info.minImageCount, least);
}

VkResult Swapchain::initialize(const VkSwapchainCreateInfoKHR& info, const std::shared_ptr<ImageGroup>& group)
{
    m_format = findPixelFormat(info.imageFormat);
    if (info.imageExtent.width == 0 || info.imageExtent.height == 0) {
        VWSI_ERROR("a swapchain of %ux%u pixels has no images; wait until the window has a size",
                   info.imageExtent.width, info.imageExtent.height);
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    if (!m_format || info.imageArrayLayers != 1 ||
        !offersColorSpace(m_surface, *m_format, m_device.instance().enabled(), info.imageColorSpace)) {
        VWSI_ERROR("swapchain format %d, colour space %d, %u layers cannot be presented on %s; ask for its formats",
                   info.imageFormat, info.imageColorSpace, info.imageArrayLayers, m_surface.windowSystem());
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    m_extent = info.imageExtent;
    m_presentMode = info.presentMode;

    SurfaceState state;
    if (const VkResult result = m_surface.state(&state); result != VK_SUCCESS)
        return result;
    if (const VkResult result = readScaling(info, state); result != VK_SUCCESS)
        return result;
    m_shared = isSharedPresentMode(info.presentMode);
    // A shared image's copies are fitted to the window on the presenter's thread, where the application's callbacks may
    // not be called (spec, Host Memory).
    m_engineAllocator = m_shared ? HostAllocator(heapCallbacks()) : m_allocator;
    const uint32_t count = group ? group->imageCount() : imageCount(info, state);
    if (!m_images.allocate(m_allocator, count))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    for (SwapchainImage& image : m_images)
        makeFree(image);
    if (group) {
        group->join(*this);
        m_group = group;
    }

    const VkExtent2D surface = m_scaling.wanted() ? state.currentExtent : m_extent;
    const TargetInfo target{
        surface, m_format,   info.imageColorSpace, info.compositeAlpha, pacingOf(info.presentMode, false),
        count,   info.pNext, m_scaling.wanted()};
    if (const VkResult result = m_surface.createTarget(target, &m_target); result != VK_SUCCESS)
        return result;
    if (const VkResult result = createEngine(info, surface); result != VK_SUCCESS)
        return result;
    // Each image keeps the fence of its last submission while the next one is under way.
    if (const VkResult result = m_device.fences().reserve(2 * count + 2); result != VK_SUCCESS)
        return result;
    m_reservedFences = 2 * count + 2;
    m_device.addSwapchain(this);
    // A loss in the meantime was told to those that were there.
    return m_device.lost() ? VK_ERROR_DEVICE_LOST : m_presenter.start(m_allocator, count);
}

VkResult Swapchain::readScaling(const VkSwapchainCreateInfoKHR& info, const SurfaceState& state)
{
    const auto* const wish = findInChain<VkSwapchainPresentScalingCreateInfoEXT>(
        info.pNext, VK_STRUCTURE_TYPE_SWAPCHAIN_PRESENT_SCALING_CREATE_INFO_EXT);
    // A surface whose size the swapchain determines always has that of the images.
    if (!wish || !wish->scalingBehavior || determinedBySwapchain(state))
        return VK_SUCCESS;
    m_scaling = {wish->scalingBehavior, wish->presentGravityX, wish->presentGravityY};
    SurfaceScaling possible;
    if (const VkResult result = presentScaling(m_device.physicalDevice(), m_surface, state, &possible);
        result != VK_SUCCESS)
        return result;
    if (!(m_scaling.behavior & ~possible.scaling))
        return VK_SUCCESS;
    VWSI_ERROR("present scaling 0x%x is not possible on %s; ask VkSurfacePresentScalingCapabilitiesEXT for what is",
               m_scaling.behavior, m_surface.windowSystem());
    return VK_ERROR_INITIALIZATION_FAILED;
}

VkResult Swapchain::createEngine(const VkSwapchainCreateInfoKHR& info, VkExtent2D surface)
{
    VkImageCreateInfo image{};
    image.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
    image.imageType = VK_IMAGE_TYPE_2D;
    image.format = info.imageFormat;
    image.extent = {info.imageExtent.width, info.imageExtent.height, 1};
    image.mipLevels = 1;
    image.arrayLayers = 1;
    image.samples = VK_SAMPLE_COUNT_1_BIT;
    image.tiling = VK_IMAGE_TILING_OPTIMAL;
    image.usage = info.imageUsage | VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
    image.sharingMode = info.imageSharingMode;
    if (info.imageSharingMode == VK_SHARING_MODE_CONCURRENT) {
        image.queueFamilyIndexCount = info.queueFamilyIndexCount;
        image.pQueueFamilyIndices = info.pQueueFamilyIndices;
    }
    image.initialLayout = VK_IMAGE_LAYOUT_UNDEFINED;
    VkImageFormatListCreateInfo formats{};
    if (info.flags & VK_SWAPCHAIN_CREATE_MUTABLE_FORMAT_BIT_KHR) {
        image.flags |= VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT | VK_IMAGE_CREATE_EXTENDED_USAGE_BIT;
        const auto* const list =
            findInChain<VkImageFormatListCreateInfo>(info.pNext, VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO);
        const bool known = m_device.physicalDevice().apiVersion() >= VK_API_VERSION_1_2 ||
                           m_device.physicalDevice().driverHas(VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME);
        if (list && known) {
            formats = *list;
            formats.pNext = nullptr;
            image.pNext = &formats;
        }
    }
    const auto* const compression =
        findInChain<VkImageCompressionControlEXT>(info.pNext, VK_STRUCTURE_TYPE_IMAGE_COMPRESSION_CONTROL_EXT);
    if (compression && has(m_device.enabled(), Extension::ExtImageCompressionControlSwapchain))
        m_engine.compress(*compression);
    const bool deferred = info.flags & VK_SWAPCHAIN_CREATE_DEFERRED_MEMORY_ALLOCATION_BIT_EXT;
    const CopyEngine::Allocation allocation = m_shared   ? CopyEngine::Allocation::Shared
                                              : deferred ? CopyEngine::Allocation::Deferred
                                                         : CopyEngine::Allocation::Eager;
    return m_engine.create(image, *m_format, *m_target, m_images, allocation, m_scaling, surface, m_group.get());
}

void Swapchain::makeFree(SwapchainImage& image)
{
    image.state = ImageState::Free;
    image.freedAt = ++m_freeCount;
    m_freed.notify_all();
}

void Swapchain::latch(VkResult result)
{
    const std::lock_guard lock(m_mutex);
    // The first error stays; a suboptimal surface can only get worse.
    if (m_status < 0 || (m_status == VK_SUBOPTIMAL_KHR && result >= 0))
        return;
    VWSI_INFO("swapchain on %s: %s", m_surface.windowSystem(),
              result == VK_SUBOPTIMAL_KHR           ? "suboptimal"
              : result == VK_ERROR_OUT_OF_DATE_KHR  ? "out of date"
              : result == VK_ERROR_SURFACE_LOST_KHR ? "surface lost"
              : result == VK_ERROR_DEVICE_LOST      ? "device lost"
                                                    : "out of memory");
    m_status = result;
    m_freed.notify_all();
    if (result < 0)
        m_records.ids.fail(result);
}

VkResult Swapchain::status()
{
    const std::lock_guard lock(m_mutex);
    return m_status;
}

VkResult Swapchain::images(uint32_t* count, VkImage* images)
{
    const uint32_t available = m_shared ? 1 : static_cast<uint32_t>(m_images.size());
    if (!images) {
        *count = available;
        return VK_SUCCESS;
    }
    *count = std::min(*count, available);
    for (uint32_t i = 0; i < *count; ++i)
        images[i] = m_images[i].image;
    return *count < available ? VK_INCOMPLETE : VK_SUCCESS;
}

VkResult Swapchain::bindingOf(uint32_t index, VkDeviceMemory* memory)
{
    if (index >= (m_shared ? 1 : m_images.size()))
        return VK_ERROR_UNKNOWN;
    if (const VkResult result = m_shared ? VK_SUCCESS : m_engine.realize(index); result != VK_SUCCESS)
        return result;
    *memory = m_images[index].memory;
    return VK_SUCCESS;
}

VkResult Swapchain::acquire(uint64_t timeout, uint32_t* imageIndex)
{
    const Nanoseconds deadline = timeout ? deadlineAfter(timeout) : 0;
    VkResult result = VK_SUCCESS;
    {
        // Before the mutex of any swapchain of the group.
        std::unique_lock<std::mutex> group;
        if (m_group)
            group = std::unique_lock(m_group->mutex());
        std::unique_lock lock(m_mutex);
        for (;;) {
            if (m_status < 0)
                return m_status;
            if (m_retired)
                return VK_ERROR_OUT_OF_DATE_KHR;
            if (takeFree(imageIndex))
                break;
            if (timeout == 0)
                return VK_NOT_READY;
            if (m_group)
                group.unlock();
            if (monotonicNow() >= deadline)
                return VK_TIMEOUT;
            sleepUntil(m_freed, lock, deadline);
            if (m_group) {
                lock.unlock();
                group.lock();
                lock.lock();
            }
        }
        result = m_status;
    }
    // A shared image has its memory from the start; its copies are the presenter's to make and remake.
    if (!m_shared && !m_images[*imageIndex].realized) {
        if (const VkResult realized = m_engine.realize(*imageIndex); realized != VK_SUCCESS) {
            cancelAcquire(*imageIndex);
            return realized;
        }
    }
    return result;
}

bool Swapchain::takeFree(uint32_t* imageIndex)
{
    if (m_shared) {
        *imageIndex = 0;
        return !std::exchange(m_sharedAcquired, true);
    }
    SwapchainImage* best = nullptr;
    uint32_t bestCost = 0;
    for (SwapchainImage& image : m_images) {
        if (image.state != ImageState::Free)
            continue;
        // An application may draw into the image of a group when it has it of all swapchains: those that it has or can
        // have of the others come first.
        const uint32_t cost = m_group ? m_group->cost(*this, static_cast<uint32_t>(&image - m_images.begin())) : 0;
        if (!best || cost < bestCost || (cost == bestCost && image.freedAt < best->freedAt)) {
            best = &image;
            bestCost = cost;
        }
    }
    if (!best)
        return false;
    best->state = ImageState::Acquired;
    *imageIndex = static_cast<uint32_t>(best - m_images.begin());
    return true;
}

bool Swapchain::acquired(uint32_t imageIndex) const
{
    if (m_shared)
        return imageIndex == 0 && m_sharedAcquired;
    return imageIndex < m_images.size() && m_images[imageIndex].state == ImageState::Acquired;
}

void Swapchain::giveBack(uint32_t imageIndex)
{
    if (m_shared) {
        m_sharedAcquired = false;
        m_freed.notify_all();
    } else {
        makeFree(m_images[imageIndex]);
    }
}

void Swapchain::cancelAcquire(uint32_t imageIndex)
{
    const std::lock_guard lock(m_mutex);
    giveBack(imageIndex);
}

VkResult Swapchain::preparePresent(const PresentRequest& request, Queue& queue, VkCommandBuffer* command)
{
    const uint32_t imageIndex = request.imageIndex;
    std::unique_lock lock(m_mutex);
    if (!acquired(imageIndex)) {
        VWSI_ERROR("vkQueuePresentKHR of swapchain image %u, which the application has not acquired", imageIndex);
        return VK_ERROR_VALIDATION_FAILED_EXT;
    }
    if (m_status < 0)
        return m_status;
    if (request.region && !m_surface.accepts(*request.region, m_extent)) {
        VWSI_ERROR(
            "VkDisplayPresentInfoKHR: srcRect must lie in the image and dstRect in the display's visible region");
        return VK_ERROR_VALIDATION_FAILED_EXT;
    }
#ifdef VK_EXT_present_timing
    if (request.timing.stages && m_records.results.full())
        return VK_ERROR_PRESENT_TIMING_QUEUE_FULL_EXT;
#endif
    *command = m_engine.command(imageIndex, queue.family());
    if (!*command) {
        VWSI_ERROR("vkQueuePresentKHR on a queue of family %u, which cannot present", queue.family());
        return VK_ERROR_VALIDATION_FAILED_EXT;
    }
    if (m_shared) {
        m_sharedQueue = &queue;
        *command = VK_NULL_HANDLE;
        return m_status;
    }
    if (m_engine.outgrown(imageIndex)) {
        // The image is the application's, its buffer nobody's; the presenter goes on meanwhile.
        lock.unlock();
        if (const VkResult result = m_engine.fit(imageIndex); result != VK_SUCCESS)
            return result;
        lock.lock();
    }
    m_engine.resetWord(imageIndex);
    return m_status;
}

VkResult Swapchain::enqueue(const PresentRequest& request, SubmissionFence* fence)
{
    VkResult result = VK_SUCCESS;
    {
        const std::lock_guard lock(m_mutex);
        result = m_status;
        if (request.mode)
            m_presentMode = *request.mode;
        PendingFrame frame;
        frame.image = request.imageIndex;
        frame.fence = fence;
        frame.submitted = monotonicNow();
        frame.mode = m_presentMode;
        frame.notes = request.notes;
        frame.damage = DamageRegion::from(request.damage, m_extent);
        frame.region = request.region;
        if (request.timing.stages && m_status >= 0)
            frame.notes.result = m_records.results.reserve(request.timing);
        if (m_shared)
            m_presenter.pushShared(frame);
        else
            result = enqueueImage(frame);
        if (result < 0)
            return result;
        m_records.ids.queued(frame.notes.presentId);
    }
    m_presenter.wake();
    return result;
}

VkResult Swapchain::enqueueImage(PendingFrame& frame)
{
    SwapchainImage& presented = m_images[frame.image];
    if (presented.fence)
        m_device.fences().drop(presented.fence);
    presented.fence = frame.fence;
    // The image's buffer lacks this change and those of the frames since the image was last presented; from now on all
    // other buffers lack this one.
    for (SwapchainImage& image : m_images)
        image.stale.add(frame.damage);
    frame.stale = presented.stale;
    presented.stale = DamageRegion();
    if (m_status < 0) {
        makeFree(presented);
        return m_status;
    }
    presented.state = ImageState::Queued;
    m_presenter.push(frame);
    return m_status;
}

void Swapchain::rejectPresent(uint32_t imageIndex, VkResult result)
{
#ifdef VK_EXT_present_timing
    if (result == VK_ERROR_PRESENT_TIMING_QUEUE_FULL_EXT)
        return;
#else
    static_cast<void>(result);
#endif
    const std::lock_guard lock(m_mutex);
    // A shared image stays with the application.
    if (!m_shared && acquired(imageIndex))
        makeFree(m_images[imageIndex]);
}

VkResult Swapchain::release(uint32_t count, const uint32_t* indices)
{
    const std::lock_guard lock(m_mutex);
    for (uint32_t i = 0; i < count; ++i) {
        if (acquired(indices[i]))
            giveBack(indices[i]);
    }
    return VK_SUCCESS;
}

void Swapchain::setHdrMetadata(const VkHdrMetadataEXT& metadata)
{
    const std::lock_guard lock(m_mutex);
    m_hdrMetadata = metadata;
    m_hdrMetadata.pNext = nullptr;
    m_hdrMetadataChanged = true;
}

void Swapchain::halt()
{
    m_presenter.stop();
    latch(VK_ERROR_DEVICE_LOST);
}

void Swapchain::retire()
{
    {
        const std::lock_guard lock(m_mutex);
        m_retired = true;
        m_freed.notify_all();
        m_records.ids.retire();
    }
    if (m_surface.swapchain == this)
        m_surface.swapchain = nullptr;
    m_presenter.wake();
}

} // namespace vwsi
